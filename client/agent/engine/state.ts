/**
 * The engine's states and which may follow which. One sync goes
 *
 *     idle -> replaying (journal entries) -> scanning -> negotiating (plan) -> uploading -> committing
 *          -> replaying (what came of it, and applying it) -> negotiating -> … -> idle
 *
 * from scanning to replaying where files were moved about under the scan, so that it is repeated and there is nothing to plan yet,
 * and from every state back to idle when it fails or is told to stop. A look at the disk alone goes idle -> scanning -> idle.
 */
import { TidemarkError } from '../../../shared/core/errors.ts';

export type EngineState =
  | { readonly name: 'idle' }
  | { readonly name: 'scanning' }
  | { readonly name: 'negotiating' }
  | { readonly name: 'uploading'; readonly files: number }
  | { readonly name: 'committing'; readonly operations: number }
  | { readonly name: 'replaying' };

type StateName = EngineState['name'];

/** A state may also follow itself: the next batch of the same work. */
const legalTransitions: Readonly<Record<StateName, readonly StateName[]>> = {
  idle: ['committing', 'replaying', 'scanning'],
  replaying: ['scanning', 'negotiating', 'idle'],
  scanning: ['negotiating', 'replaying', 'idle'],
  negotiating: ['uploading', 'committing', 'replaying', 'idle'],
  uploading: ['committing', 'negotiating', 'replaying', 'idle'],
  committing: ['replaying', 'uploading', 'idle'],
};

export function mayFollow(from: StateName, to: StateName): boolean {
  return from === to || legalTransitions[from].includes(to);
}

/** The one place that holds the state. */
export class StateHolder {
  #state: EngineState = { name: 'idle' };

  get state(): EngineState {
    return this.#state;
  }

  /** Throws `internal` on a step that the table above does not have. */
  enter(next: EngineState): void {
    if (!mayFollow(this.#state.name, next.name)) {
      throw new TidemarkError('internal', 'the engine took a step that it must not take', {
        data: { from: this.#state.name, to: next.name },
      });
    }
    this.#state = next;
  }
}

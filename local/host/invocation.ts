/** One call of a function, in the order in which Azure's worker does it: arguments, hooks, handler, hooks, response. */
import { TidemarkError } from '../../shared/core/errors.ts';
import type {
  CoreInvocationContext,
  InvocationModel,
  InvocationRequest,
  InvocationResponse,
  ProgrammingModel,
} from './core-types.ts';
import type { HostLogger } from './host-logger.ts';
import { logAt, type AppRegistry, type RegisteredFunction } from './worker.ts';

export interface InvocationScope {
  readonly registry: AppRegistry;
  readonly model: ProgrammingModel;
  readonly logger: HostLogger;
}

/** Changes a result before the library converts it; also called with what stands for the result of a failed call. */
export type AdaptResult = (result: unknown) => unknown;

export type InvocationOutcome =
  | { readonly ok: true; readonly response: InvocationResponse }
  | { readonly ok: false; readonly error: unknown };

/**
 * Runs one invocation. Never rejects: what a handler or hook throws is the outcome.
 * @param errorResult what the library is told to answer when the call failed; nothing is answered without it.
 */
export async function runInvocation(
  scope: InvocationScope,
  fn: RegisteredFunction,
  request: InvocationRequest,
  options: { readonly adaptResult?: AdaptResult; readonly errorResult?: () => unknown } = {},
): Promise<InvocationOutcome> {
  const context = createContext(scope, fn, request);
  const adapt = options.adaptResult ?? ((result: unknown) => result);
  let model: InvocationModel | undefined;
  let invocationContext: unknown;
  try {
    model = scope.model.getInvocationModel(context);
    const call = await model.getArguments();
    invocationContext = call.context;
    const result = await callWithHooks(scope, fn, context, model, call);
    return { ok: true, response: await model.getResponse(invocationContext, adapt(result)) };
  } catch (error) {
    if (model !== undefined && invocationContext !== undefined && options.errorResult !== undefined) {
      await answerFailure(model, invocationContext, options.errorResult);
    }
    return { ok: false, error };
  }
}

/** Lets the library answer, so that it forgets the request. It may have answered already, in part: then it refuses. */
async function answerFailure(model: InvocationModel, context: unknown, errorResult: () => unknown): Promise<void> {
  try {
    const result = errorResult();
    if (result !== undefined) await model.getResponse(context, result);
  } catch {
    // The caller sees from the response itself whether anything was sent.
  }
}

async function callWithHooks(
  scope: InvocationScope,
  fn: RegisteredFunction,
  coreContext: CoreInvocationContext,
  model: InvocationModel,
  call: { readonly context: unknown; readonly inputs: unknown[] },
): Promise<unknown> {
  const shared = { hookData: {}, invocationContext: call.context };
  const before = { ...shared, functionCallback: fn.callback, inputs: call.inputs };
  coreContext.state = 'preInvocationHooks';
  await runHooks(scope.registry, 'preInvocation', before);

  const after: { inputs: unknown[]; result: unknown; error: unknown } = {
    ...shared,
    inputs: before.inputs,
    result: null,
    error: null,
  };
  coreContext.state = 'invocation';
  try {
    after.result = await model.invokeFunction(call.context, before.inputs, before.functionCallback);
  } catch (error) {
    after.error = error ?? new TidemarkError('internal', 'The function failed without saying why.');
  }
  coreContext.state = 'postInvocationHooks';
  await runHooks(scope.registry, 'postInvocation', after);
  coreContext.state = undefined;
  if (after.error !== null && after.error !== undefined) throw asError(after.error);
  return after.result;
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new TidemarkError('internal', String(thrown), { cause: thrown });
}

/** Runs the hooks of one kind in the order of their registration; the first that throws ends it. */
export async function runHooks(registry: AppRegistry, name: string, context: object): Promise<void> {
  for (const callback of registry.hooks.get(name) ?? []) await callback(context as Record<string, unknown>);
}

function createContext(
  scope: InvocationScope,
  fn: RegisteredFunction,
  request: InvocationRequest,
): CoreInvocationContext {
  const fields = { function: fn.metadata.name, invocationId: request.invocationId };
  return {
    invocationId: request.invocationId,
    request,
    metadata: fn.metadata,
    log: (level, _category, message) => logAt(scope.logger, level, fields, message),
  };
}

import type { Api, ApiDependencies } from '../shared/api/api.ts';

/** What the triggers call: built once in a process, at the first call that needs it. */
export interface Service {
  readonly api: Api;
  readonly deps: ApiDependencies;
}

/** Work of a trigger that no request caused: what it has written it reads again, on every store. */
export async function runOnService<T>(getService: GetService, work: (deps: ApiDependencies) => Promise<T>): Promise<T> {
  const { deps } = await getService();
  const { value } = await deps.scope.run(null, () => work(deps));
  return value;
}

export type GetService = () => Promise<Service>;

/** Builds once, whoever asks first; a failed build is tried again at the next call. */
export function once(build: () => Promise<Service>): GetService {
  let service: Promise<Service> | undefined;
  return () => {
    service ??= build().catch((error: unknown) => {
      service = undefined;
      throw error;
    });
    return service;
  };
}

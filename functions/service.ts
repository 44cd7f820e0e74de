import type { Api, ApiDependencies } from '../shared/api/api.ts';

/** What the triggers call: built once in a process, at the first call that needs it. */
export interface Service {
  readonly api: Api;
  readonly deps: ApiDependencies;
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

/**
 * The part of the Functions worker's virtual module `@azure/functions-core` that `@azure/functions` v4 uses. No package
 * ships these types for run time, so they are written down here, as the library's source uses them.
 */
export interface RpcTypedData {
  readonly string?: string | null;
  readonly json?: string | null;
  readonly bytes?: Uint8Array | null;
  readonly int?: number | null;
  readonly double?: number | null;
}

/** One binding of a function: `type` such as `httpTrigger`, `direction` `in` or `out`, and the trigger's own options. */
export interface BindingInfo {
  readonly type?: string;
  readonly direction?: string;
  readonly [option: string]: unknown;
}

export interface FunctionMetadata {
  readonly name: string;
  readonly bindings: Readonly<Record<string, BindingInfo>>;
}

export type FunctionCallback = (...args: unknown[]) => unknown;

export interface InvocationRequest {
  readonly invocationId: string;
  readonly functionId: string;
  readonly inputData: readonly { readonly name: string; readonly data: RpcTypedData }[];
  readonly triggerMetadata: Readonly<Record<string, RpcTypedData>>;
  readonly traceContext?: { readonly traceParent?: string; readonly traceState?: string };
}

export interface InvocationResponse {
  readonly invocationId: string;
  readonly returnValue?: RpcTypedData | null;
  readonly outputData?: readonly { readonly name: string; readonly data: RpcTypedData }[];
}

export type WorkerLogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';

export interface CoreInvocationContext {
  readonly invocationId: string;
  readonly request: InvocationRequest;
  readonly metadata: FunctionMetadata;
  state?: 'preInvocationHooks' | 'invocation' | 'postInvocationHooks' | undefined;
  log(level: WorkerLogLevel, category: string, message: string): void;
}

/** How the library turns one invocation request into a call of the handler, and its result into a response. */
export interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<InvocationResponse>;
}

export interface ProgrammingModel {
  readonly name: string;
  readonly version: string;
  getInvocationModel(context: CoreInvocationContext): InvocationModel;
  getCapabilities(capabilities: Record<string, string>): Promise<Record<string, string>>;
}

export type HookCallback = (context: Record<string, unknown>) => unknown;

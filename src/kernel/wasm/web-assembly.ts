export type Kernel = (...addresses: number[]) => void;

export interface WasmMemory<B extends ArrayBufferLike = ArrayBuffer> {
  readonly buffer: B;
  grow(pages: number): number;
}

/**
 * The part of the WebAssembly API that is used; declared here because the kernel is compiled without the DOM's
 * types.
 */
interface WebAssemblyApi {
  Memory: {
    new (limits: { initial: number; maximum: number; shared: true }): WasmMemory<SharedArrayBuffer>;
    new (limits: { initial: number }): WasmMemory;
  };
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object, imports: object) => { readonly exports: Record<string, unknown> };
}

export const pageBytes = 65_536;

export const webAssembly = (): WebAssemblyApi =>
  (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;

/**
 * Eight bytes in which floats and 64-bit integers are converted. A DataView over every buffer would cost more than a
 * whole header: it forces a small array out of the JavaScript heap.
 */
export const SCRATCH: DataView<ArrayBuffer> = new DataView(new ArrayBuffer(8))
export const SCRATCH_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(SCRATCH.buffer)

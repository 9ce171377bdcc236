import { fromHex } from '@gridseal/wire'

const P256 = fromHex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
const P384 = fromHex('ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973')

/** Orders of the groups (SP 800-186 3.2.1), big-endian. */
const ORDERS: Readonly<Record<'P-256' | 'P-384' | 'ECDSA-P256' | 'ECDSA-P384', Uint8Array>> = {
  'P-256': P256,
  'P-384': P384,
  'ECDSA-P256': P256,
  'ECDSA-P384': P384,
}

/** Whether a private scalar of the order's length is at least 1 and below the order. Constant time. */
export function scalarInRange(curve: keyof typeof ORDERS, scalar: Uint8Array): boolean {
  const order = ORDERS[curve]
  if (scalar.length !== order.length) return false
  let borrow = 0
  let any = 0
  for (let i = order.length - 1; i >= 0; i--) {
    borrow = ((scalar[i]! - order[i]! - borrow) >> 8) & 1
    any |= scalar[i]!
  }
  return (borrow & ((any | -any) >>> 31)) === 1
}

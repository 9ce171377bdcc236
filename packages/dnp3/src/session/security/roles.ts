import { OPERATION_KINDS } from '@gridseal/adapter'
import type { OperationKind } from '@gridseal/adapter'
import { functionOf } from '../../codec/functions.ts'

/** Who a user is: by that, what a user may do. */
export interface RoleSpec {
  readonly code: number
  readonly name: string
  readonly may: readonly OperationKind[]
}

/** The roles of IEC 62351-8 as g120v10 names them. */
export const ROLES: readonly RoleSpec[] = [
  { code: 0, name: 'VIEWER', may: ['read'] },
  { code: 1, name: 'OPERATOR', may: ['read', 'control'] },
  { code: 2, name: 'ENGINEER', may: ['read', 'write', 'time', 'file', 'manage'] },
  { code: 3, name: 'INSTALLER', may: ['read', 'write', 'file', 'manage'] },
  { code: 4, name: 'SECADM', may: ['read', 'auth'] },
  { code: 5, name: 'SECAUD', may: ['read'] },
  { code: 6, name: 'RBACMNT', may: ['read', 'auth'] },
  { code: 32_768, name: 'SINGLE_USER', may: OPERATION_KINDS },
]

/** Whether a role may use a function; an unknown role may nothing. */
export function mayUse(role: number, code: number): boolean {
  const spec = functionOf(code)
  return spec !== undefined && ROLES.find((row) => row.code === role)?.may.includes(spec.operation) === true
}

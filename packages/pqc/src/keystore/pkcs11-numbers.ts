/*
 * Numbers of PKCS#11 3.2 that are used here. The binding has names for those of 2.40 only, and takes numbers for all.
 */

export const CKO = { PUBLIC_KEY: 2, PRIVATE_KEY: 3, SECRET_KEY: 4 } as const
export const CKK = { EC: 3, GENERIC_SECRET: 0x10, AES: 0x1f, ML_KEM: 0x49, ML_DSA: 0x4a } as const
export const CKA = {
  CLASS: 0,
  TOKEN: 1,
  PRIVATE: 2,
  LABEL: 3,
  VALUE: 0x11,
  KEY_TYPE: 0x100,
  ID: 0x102,
  SENSITIVE: 0x103,
  ENCRYPT: 0x104,
  DECRYPT: 0x105,
  SIGN: 0x108,
  VERIFY: 0x10a,
  VALUE_LEN: 0x161,
  EXTRACTABLE: 0x162,
  EC_PARAMS: 0x180,
  EC_POINT: 0x181,
  PARAMETER_SET: 0x61d,
  ENCAPSULATE: 0x633,
  DECAPSULATE: 0x634,
} as const
export const CKM = {
  ML_KEM_KEY_PAIR_GEN: 0x0f,
  ML_KEM: 0x17,
  ML_DSA_KEY_PAIR_GEN: 0x1c,
  ML_DSA: 0x1d,
  EC_KEY_PAIR_GEN: 0x1040,
  ECDSA: 0x1041,
  AES_KEY_GEN: 0x1080,
  AES_GCM: 0x1087,
} as const
/** CKP_ML_DSA_44 to _87. */
export const ML_DSA_SETS = { 'ML-DSA-44': 1, 'ML-DSA-65': 2, 'ML-DSA-87': 3 } as const
/** CKP_ML_KEM_512 to _1024. */
export const ML_KEM_SETS = { 'ML-KEM-512': 1, 'ML-KEM-768': 2, 'ML-KEM-1024': 3 } as const
export const CKF = { SERIAL_SESSION: 4, RW_SESSION: 2 } as const
export const CKU_USER = 1
/** C_Initialize with CKF_OS_LOCKING_OK: the library is called from threads of the pool, too. */
export const OS_LOCKING_OK = 2

/** Results that mean that the session or the token is gone and should be looked for again. */
export const GONE: ReadonlySet<number> = new Set([
  0x30, // DEVICE_ERROR
  0x32, // DEVICE_REMOVED
  0x82, // OBJECT_HANDLE_INVALID
  0x90, // OPERATION_ACTIVE: one that failed half-way is ended by nothing else
  0xb0, // SESSION_CLOSED
  0xb3, // SESSION_HANDLE_INVALID
  0xe0, // TOKEN_NOT_PRESENT
  0x101, // USER_NOT_LOGGED_IN
  0x190, // CRYPTOKI_NOT_INITIALIZED
])
export const PIN_INCORRECT: ReadonlySet<number> = new Set([0xa0, 0xa1, 0xa2, 0xa4])
export const ALREADY_INITIALIZED = 0x191
export const ALREADY_LOGGED_IN = 0x100

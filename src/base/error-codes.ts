// Every error code, once: what it means and what to do. docs/reference/errors.md is made from this
// table. A code that is not used is deleted; a new one starts here.

export const errorCodes = {
  ERR_KERNEL_CALL: {
    meaning: 'A system call failed.',
    remedy: 'The message names the call, the errno and the path; see the man page of the call.',
  },
  ERR_KERNEL_UNSUPPORTED: {
    meaning: 'This kernel or C library lacks a call that eudaemon needs.',
    remedy: 'Run `eudaemon doctor`; it lists what is missing and from which version it exists.',
  },
} as const satisfies Record<string, { readonly meaning: string; readonly remedy: string }>

/** The `code` of a ToolkitError. */
export type ErrorCode = keyof typeof errorCodes

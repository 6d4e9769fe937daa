// Numbers and strings that must not be mixed up, as distinct types. The constructors check
// nothing that the kernel or a parser has not checked already; they only name what a value is.

declare const brand: unique symbol
type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** A process number. Only valid together with a start time or a pidfd: numbers are reused. */
export type Pid = Brand<number, 'Pid'>
/** A file descriptor of this process. */
export type Fd = Brand<number, 'Fd'>
/** `project/service@n`, for example `shop/web@2`. */
export type InstanceId = Brand<string, 'InstanceId'>
/** The random name of one life of a process: 32 hexadecimal digits. */
export type InvocationId = Brand<string, 'InvocationId'>
/** A span of time, or a point on the monotonic clock, in milliseconds. */
export type Milliseconds = number

export const toPid = (value: number): Pid => value as Pid
export const toFd = (value: number): Fd => value as Fd
export const toInvocationId = (value: string): InvocationId => value as InvocationId
export const toInstanceId = (value: string): InstanceId => value as InstanceId

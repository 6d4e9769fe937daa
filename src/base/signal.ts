// Signal names and numbers of Linux (signal(7)): the same on x86-64, arm64 and riscv64.

export const signalNumbers = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  PWR: 30,
  SYS: 31,
} as const

const FIRST_REALTIME_SIGNAL = 34
export const LAST_SIGNAL = 64

const namesByNumber = new Map<number, string>(
  Object.entries(signalNumbers).map(([name, number]) => [number, name]),
)

/** `SIGTERM` for 15; real-time signals print as `SIGRTMIN+2`. */
export function signalName(number: number): string {
  const name = namesByNumber.get(number)
  if (name !== undefined) return `SIG${name}`
  if (number === FIRST_REALTIME_SIGNAL) return 'SIGRTMIN'
  if (number > FIRST_REALTIME_SIGNAL) return `SIGRTMIN+${number - FIRST_REALTIME_SIGNAL}`
  return `signal ${number}`
}

/** Reads `TERM`, `SIGTERM`, `sigterm`, `15` or `RTMIN+2`; undefined when it is no signal. */
export function parseSignal(text: string): number | undefined {
  if (/^\d+$/.test(text)) {
    const number = Number(text)
    return number >= 1 && number <= LAST_SIGNAL ? number : undefined
  }
  const name = text.toUpperCase().replace(/^SIG/, '')
  const realtime = /^RTMIN(?:\+(\d+))?$/.exec(name)
  if (realtime) {
    const number = FIRST_REALTIME_SIGNAL + Number(realtime[1] ?? 0)
    return number <= LAST_SIGNAL ? number : undefined
  }
  return (signalNumbers as Record<string, number>)[name]
}

// DaemonContext as PEP 3143 describes it, with its attributes by their names in camelCase. One
// thing cannot be the same: Node cannot fork, so open() executes the program a second time, and is
// asynchronous. docs/daemons/library.md has the whole comparison.

import { basename } from 'node:path'
import { READY_TIMEOUT_MS } from '../base/limits.ts'
import { signalNumbers } from '../base/signal.ts'
import {
  contextSteps,
  type DaemonStream,
  type HeldFile,
  type SignalAction,
} from './context-steps.ts'
import { bad, scriptName } from './daemonize-options.ts'
import { endProcess } from './end-process.ts'
import { expectReady, sayReady } from './ready.ts'
import { relaunch } from './relaunch.ts'
import { takeMarker } from './relaunch-marker.ts'
import { findStarter } from './start-facts.ts'
import { isSupervised } from './supervised-by.ts'

/** Every attribute of PEP 3143, by its name in camelCase. All have the PEP's defaults. */
export interface DaemonContextOptions {
  /** files_preserve. Numbers are descriptors that the program was started with: the daemon gets
   *  them under the same number. Files that the program opens itself are open in the daemon too. */
  readonly filesPreserve?: readonly DaemonStream[] | null
  /** chroot_directory. Default: null, the root directory stays as it is. */
  readonly chrootDirectory?: string | null
  /** working_directory, inside of the root directory. Default: `/`. */
  readonly workingDirectory?: string
  /** umask. Default: 0. */
  readonly umask?: number
  /** pidfile. Default: null. */
  readonly pidFile?: HeldFile | null
  /** detach_process. Default, and null: unless somebody supervises the program already. */
  readonly detachProcess?: boolean | null
  /** signal_map. Default: SIGTTIN, SIGTTOU, SIGTSTP ignored, SIGTERM `'terminate'`. */
  readonly signalMap?: Readonly<Partial<Record<NodeJS.Signals, SignalAction>>>
  /** uid. Default: the real user of this process. */
  readonly uid?: number
  /** gid. Default: the real group of this process. */
  readonly gid?: number
  /** initgroups: the supplementary groups become those of `uid`. Default: false. */
  readonly initgroups?: boolean
  /** prevent_core. Default: true. */
  readonly preventCore?: boolean
  /** stdin. Default, and null: /dev/null. */
  readonly stdin?: DaemonStream | null
  /** stdout. */
  readonly stdout?: DaemonStream | null
  /** stderr. */
  readonly stderr?: DaemonStream | null
}

const defaultSignalMap: Readonly<Partial<Record<NodeJS.Signals, SignalAction>>> = {
  SIGTTIN: null,
  SIGTTOU: null,
  SIGTSTP: null,
  SIGTERM: 'terminate',
}

/**
 * The settings of a daemon, and the daemon process itself once open() was called: PEP 3143. The
 * attributes may be changed until then.
 */
export class DaemonContext implements Disposable, AsyncDisposable {
  filesPreserve: readonly DaemonStream[] | null
  chrootDirectory: string | null
  workingDirectory: string
  umask: number
  pidFile: HeldFile | null
  detachProcess: boolean | null
  signalMap: Readonly<Partial<Record<NodeJS.Signals, SignalAction>>>
  uid: number
  gid: number
  initgroups: boolean
  preventCore: boolean
  stdin: DaemonStream | null
  stdout: DaemonStream | null
  stderr: DaemonStream | null
  #isOpen = false
  #closesAtExit = false

  /** Nothing happens before open(). */
  constructor(options: DaemonContextOptions = {}) {
    this.filesPreserve = options.filesPreserve ?? null
    this.chrootDirectory = options.chrootDirectory ?? null
    this.workingDirectory = options.workingDirectory ?? '/'
    this.umask = options.umask ?? 0
    this.pidFile = options.pidFile ?? null
    this.detachProcess = options.detachProcess ?? null
    this.signalMap = options.signalMap ?? defaultSignalMap
    this.uid = options.uid ?? process.getuid?.() ?? 0
    this.gid = options.gid ?? process.getgid?.() ?? 0
    this.initgroups = options.initgroups ?? false
    this.preventCore = options.preventCore ?? true
    this.stdin = options.stdin ?? null
    this.stdout = options.stdout ?? null
    this.stderr = options.stderr ?? null
  }

  /** True between open() and close() (is_open). */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /**
   * Makes this program a daemon. When it detaches, the program is executed a second time:
   * everything above the call runs twice. In the first process the promise never resolves; it ends,
   * with 0 when the second has opened its context, otherwise with the messages and the status of
   * the second. Resolves to the context itself. Rejects with a ToolkitError that names the step
   * that failed.
   */
  async open(): Promise<this> {
    if (this.#isOpen) return this
    const relaunched = takeMarker()
    const detaches = this.detachProcess ?? !isSupervised(findStarter())
    if (relaunched === null && detaches) await relaunch(() => this.#relaunchWish())
    const steps = await contextSteps(this, relaunched !== null)
    steps.apply()
    this.#isOpen = true
    if (!this.#closesAtExit) process.on('exit', () => this.close())
    this.#closesAtExit = true
    if (relaunched !== null) {
      expectReady({ fd: relaunched.readyFd, before: steps.redirectStderr })
      sayReady()
    } else steps.redirectStderr()
    return this
  }

  /** Releases the PID file. Does nothing when the context is not open. */
  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.pidFile?.release()
  }

  /** The default action at SIGTERM: says so on standard error, closes, and ends the process with
   *  exit status 1, as Python's SystemExit with a text does. */
  terminate(signal: NodeJS.Signals | number): never {
    const number = typeof signal === 'number' ? signal : numberOf(signal)
    process.stderr.write(`Terminating on signal ${number}\n`)
    this.close()
    return endProcess(1)
  }

  /** The same as close(), for `using`. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** The same as close(), for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  #relaunchWish() {
    const preserved = (this.filesPreserve ?? []).filter((file) => typeof file === 'number')
    const wrong = preserved.find((fd) => !Number.isInteger(fd) || fd < 0)
    if (wrong !== undefined) throw bad('filesPreserve', `${wrong} is no descriptor`)
    return {
      name: scriptName(),
      stdin: '/dev/null',
      stdout: { kind: 'null' },
      stderr: { kind: 'null' },
      keptFds: preserved.filter((fd) => fd > 2),
      pidFile: null,
      environment: 'sanitised',
      coreDumps: !this.preventCore,
      readyTimeoutMs: READY_TIMEOUT_MS,
    } as const
  }
}

function numberOf(signal: NodeJS.Signals): number {
  const name = basename(signal.replace(/^SIG/, ''))
  return (signalNumbers as Readonly<Record<string, number>>)[name] ?? 0
}

// The end of the program that called the library: the first process when its daemon is ready, and a
// daemon after its last words. The only place of src/ that ends a process.

/** Runs the program's handlers of 'exit' and ends it. What was written is written (Linux). */
export function endProcess(exitCode: number): never {
  process.exit(exitCode)
}

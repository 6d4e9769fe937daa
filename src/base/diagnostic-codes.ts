// Every code that a diagnostic about a definition can carry, once, with its meaning. The page
// docs/reference/errors.md is made from it. Programs match on the code, people read the message.

export const diagnosticCodes = {
  'bad-command': 'A command is empty or cannot be executed as written.',
  'bad-duration': 'A time is not written like `250ms`, `10s` or `1min 30s`.',
  'bad-environment': 'An environment variable has a name or value that cannot be passed.',
  'bad-line': 'A line of a Procfile or env file cannot be understood.',
  'bad-limit': 'A resource limit has an unknown name or a value that does not fit it.',
  'bad-name': 'A name breaks the grammar of project and service names.',
  'bad-path': 'A path is empty or uses a notation that is not expanded here.',
  'bad-pattern': 'A regular expression does not compile or is too long.',
  'bad-port': 'A port is not a number from 1 to 65535.',
  'bad-shape': 'A definition sent to the control API does not have the form of a definition.',
  'bad-signal': 'A signal has no such name or number on Linux.',
  'bad-size': 'A size is not written like `512K`, `10M` or `2G`.',
  'bad-url': 'A probe URL is not a plain `http://` URL.',
  'bad-value': 'A value is outside of what the setting allows.',
  conflict: 'Two settings contradict each other.',
  'dependency-cycle': 'Services wait for each other in a circle.',
  'duplicate-project': 'Two files define projects of the same name.',
  'duplicate-service': 'A name is defined twice.',
  'missing-setting': 'A required setting is absent.',
  'no-services': 'The file defines no service.',
  'not-on-this-machine': 'A program, directory, file or user does not exist on this machine.',
  'not-yet': 'The setting belongs to a later version; it is refused rather than ignored.',
  'self-dependency': 'A service depends on itself.',
  suspicious: 'The setting is allowed but almost never what was meant.',
  syntax: 'The text breaks the grammar of its format.',
  'too-many': 'A bound of base/limits.ts is exceeded.',
  'unknown-dependency': 'A service depends on a name that the file does not define.',
  'unknown-key': 'There is no setting of that name.',
  'useless-setting': 'The setting has no effect together with the others.',
  'wrong-type': 'A value has the wrong type, for example text where a list is needed.',
} as const satisfies Record<string, string>

export type DiagnosticCode = keyof typeof diagnosticCodes

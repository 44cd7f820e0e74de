/**
 * What starts `tide watch` when its user logs in, in the form of each system. Pure text: nothing here touches the machine.
 *
 * The hardening of the systemd unit is what a user's manager can do without privileges of its own. Not set, because it would break
 * the agent: MemoryDenyWriteExecute (the JavaScript engine compiles), ProtectHome and PrivateTmp (folders may be anywhere).
 */
export interface ServiceCommand {
  /** Absolute paths: of node, and of bin/tide.js. */
  readonly node: string;
  readonly script: string;
  /** Where the configuration is, when it is not where it is by default. */
  readonly home: string | undefined;
  /** Where the lines of the agent go on systems that keep no log of their own. */
  readonly logFile: string;
}

export const serviceKinds = ['systemd', 'launchd', 'task-scheduler'] as const;
export type ServiceKind = (typeof serviceKinds)[number];

export const launchdLabel = 'dev.tidemark.agent';
export const taskName = 'Tidemark';
export const systemdUnit = 'tidemark.service';

/** A word of a command line of systemd.service(5): specifiers and variables are switched off. */
function systemdWord(text: string): string {
  const plain = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('$', '$$$$');
  return `"${plain}"`;
}

/** A value of Environment=, where a dollar sign is itself. */
function systemdSetting(name: string, value: string): string {
  const plain = value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%');
  return `Environment="${name}=${plain}"`;
}

function systemd({ node, script, home }: ServiceCommand): string {
  return `[Unit]
Description=Tidemark: keeps folders the same on every device
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=exec
ExecStart=${[node, script, 'watch'].map(systemdWord).join(' ')}
${home === undefined ? '' : `${systemdSetting('TIDE_HOME', home)}\n`}Restart=on-failure
RestartSec=10
TimeoutStopSec=60
Nice=5
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native

[Install]
WantedBy=default.target
`;
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function launchd({ node, script, home, logFile }: ServiceCommand): string {
  const words = [node, script, 'watch'].map((word) => `    <string>${xml(word)}</string>`).join('\n');
  const environment =
    home === undefined
      ? ''
      : `  <key>EnvironmentVariables</key>\n  <dict><key>TIDE_HOME</key><string>${xml(home)}</string></dict>\n`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${launchdLabel}</string>
  <key>ProgramArguments</key>
  <array>
${words}
  </array>
${environment}  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict><key>SuccessfulExit</key><false/></dict>
  <key>ThrottleInterval</key>
  <integer>10</integer>
  <key>ProcessType</key>
  <string>Background</string>
  <key>StandardErrorPath</key>
  <string>${xml(logFile)}</string>
</dict>
</plist>
`;
}

/** A word of a command line of Windows (the rules of CommandLineToArgvW). */
function windowsWord(text: string): string {
  return `"${text.replaceAll(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1')}"`;
}

/** A task has no environment of its own: a home that is not the default goes through the command interpreter. */
function taskScheduler({ node, script, home }: ServiceCommand): string {
  const line = `${windowsWord(script)} watch`;
  const [command, words] =
    home === undefined
      ? [node, line]
      : ['cmd.exe', `/d /s /c "set "TIDE_HOME=${home}" && ${windowsWord(node)} ${line}"`];
  return `<?xml version="1.0"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>Tidemark: keeps folders the same on every device</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger><Enabled>true</Enabled></LogonTrigger>
  </Triggers>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>999</Count>
    </RestartOnFailure>
    <Hidden>true</Hidden>
  </Settings>
  <Actions>
    <Exec>
      <Command>${xml(command)}</Command>
      <Arguments>${xml(words)}</Arguments>
    </Exec>
  </Actions>
</Task>
`;
}

export function serviceUnit(kind: ServiceKind, command: ServiceCommand): string {
  if (kind === 'systemd') return systemd(command);
  return kind === 'launchd' ? launchd(command) : taskScheduler(command);
}

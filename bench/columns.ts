/** Names of columns that aims look for. */
export const columns = {
  instructionsTimesBare: 'instructions, × bare',
  cpuTimesBare: 'CPU, × bare',
  timesPortkey: '× Portkey',
  firstByteAdded: 'added to direct',
  p99TimesBare: 'p99 added, × bare',
  tenThousandOpenMb: '10,000 take, MB',
  callsAlone: 'calls, one at a time',
  commandsAlone: 'commands, one at a time',
} as const;

/** Stands in for `applicationinsights` as seen by Azurite: nothing of it loads, and nothing is ever sent. Azurite only touches it when it is told to. */
export const telemetry = undefined;

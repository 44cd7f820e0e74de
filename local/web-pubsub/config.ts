/** What the process of the realtime endpoint is started with, and what it says when it serves. */
export interface WebPubSubProcessConfig {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /**
   * File of the access key, base64 text: of the connection string, of client tokens and of event signatures. A file, because a process's arguments
   * can be read by everybody on the machine.
   */
  readonly keyFile: string;
  /** As clients reach it: `http://127.0.0.1:7075`. Null: as it listens. It is the audience of tokens. */
  readonly endpoint: string | null;
  /** Where events of the hub go, as CloudEvents: the webhook of the Functions host. Null: nowhere. */
  readonly webhookUrl: string | null;
}

export interface WebPubSubReady {
  /** `http://host:port`, without a slash at its end. */
  readonly endpoint: string;
  /** `Endpoint=…;AccessKey=…;Version=1.0;` */
  readonly connectionString: string;
}

/** `tide share WORKSPACE USER`: `tide members set` under the name that people look for. */
import type { DefineCommand } from './command.ts';
import { defineSetMember } from './members.ts';

export const shareCommand: DefineCommand = (context) =>
  defineSetMember(context, 'share', 'share a workspace with somebody, or give them another role in it', [
    'tide share photos bob --role viewer',
    "tide share photos 'login.example.com|bob' --role owner",
    'tide members remove photos bob      # takes it back',
  ]);

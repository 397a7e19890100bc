import { spawn, type ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';

/**
 * Kills `child` when this process is gone, however it went: a test worker that is killed runs no exit
 * handlers, but its pipes close, and a shell at the other end of one sees that. The shell removes the child's directory
 * too, if it is named.
 */
export function dieWithMe(child: ChildProcess, directory = ''): void {
  if (child.pid === undefined) return;
  const end = 'cat >/dev/null; kill -9 "$1" 2>/dev/null; [ -z "$2" ] || rm -rf "$2"';
  const watcher = spawn('sh', ['-c', end, 'sh', String(child.pid), directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watcher.unref();
  if (watcher.stdin instanceof Socket) watcher.stdin.unref();
  child.once('exit', () => watcher.kill('SIGKILL'));
}

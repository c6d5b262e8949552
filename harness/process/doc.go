// Package process runs other programs for an eval: one process per call ([Run]),
// long-lived workers that speak JSON lines ([Pool]), and servers that are up for
// the length of a run ([Server]).
//
// A program is started from an argument list, never through a shell, in a
// process group of its own, with PATH, HOME, TMPDIR and LANG of this process's
// environment and what the Command names, nothing else. On Windows SYSTEMROOT,
// TEMP, TMP and USERPROFILE are there too, because programs do not start or
// find a temporary folder without them.
//
// Ending a process means SIGTERM to its group and, when it is still there after
// [Grace], SIGKILL. What a process leaves behind in its group when it ends is
// killed as well, and its pipes are closed, so that a grandchild that holds
// standard output keeps nobody waiting. A grandchild that makes a session of its
// own (setsid) leaves the group and is not ours any more. A group of its own also
// means that Ctrl-C at the terminal does not reach the programs: the run decides
// when they end.
//
// On Linux the kernel kills the process when this one dies without a chance to
// clean up (PR_SET_PDEATHSIG). The kernel ties that to the thread that started
// the process and not to the whole parent, so the starting goroutine stays locked
// to its thread until the process has ended. Only the process itself is reached
// that way, not what it started.
//
// Errors carry the exit status and the last lines of standard error (at most
// 2 KiB), never the environment and, of the arguments, only the program's name.
package process

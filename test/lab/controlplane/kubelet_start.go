package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// containerInit gives a container a /dev of its own, with the file for its termination message, and a /proc of its own PID namespace;
// all else is the node's. It exits with 128 if it cannot, and says why in the container's log.
const containerInit = `
set -e
trap 'exit 128' EXIT
stage=$1 message=$2 path=$3 proc=$4
shift 4
mount -t tmpfs -o mode=755,size=16m dev "$stage"
for there in null zero full random urandom tty ptmx net; do
	if [ -e "/dev/$there" ]; then cp -a "/dev/$there" "$stage/"; fi
done
mkdir -m 1777 "$stage/shm"
mkdir "$stage/pts"
if [ -d /dev/pts ]; then mount --rbind /dev/pts "$stage/pts"; fi
ln -s /proc/self/fd "$stage/fd"
ln -s fd/0 "$stage/stdin"
ln -s fd/1 "$stage/stdout"
ln -s fd/2 "$stage/stderr"
mkdir -p "$(dirname "$stage/$path")"
: > "$stage/$path"
mount --bind "$message" "$stage/$path"
mount --move "$stage" /dev
if [ "$proc" = own ]; then mount -t proc proc /proc; fi
exec "$@"
`

// start begins a run. Its files are in DIR/POD-UID/CONTAINER: N.log, N.message, and N.dev to mount on.
func (c *container) start() (*process, error) {
	argv, err := c.argv()
	if err != nil {
		return nil, err
	}
	path, below := strings.CutPrefix(filepath.Clean(c.spec.TerminationMessagePath), "/dev/")
	if !below {
		return nil, fmt.Errorf("terminationMessagePath %s: the lab gives a container only /dev of its own", c.spec.TerminationMessagePath)
	}
	stage, message, log := c.file("dev"), c.file("message"), c.file("log")
	if err := os.MkdirAll(stage, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(message, nil, 0o666); err != nil {
		return nil, err
	}
	if err := os.Chmod(message, 0o666); err != nil { // whatever the umask: the container may run as anybody
		return nil, err
	}
	written, err := newOutput(log)
	if err != nil {
		return nil, err
	}
	flags, proc := syscall.CLONE_NEWPID, "own"
	if c.worker.pod.Spec.HostPID {
		flags, proc = 0, "host"
	}
	command := exec.Command("/bin/sh", append([]string{"-c", containerInit, "container-init", stage, message, path, proc}, c.confined(argv)...)...)
	command.Env, command.Dir = c.environment(), c.spec.WorkingDir
	if command.Dir == "" {
		command.Dir = "/"
	}
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: uintptr(flags), Unshareflags: syscall.CLONE_NEWNS}

	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopping {
		written.close()
		return nil, fmt.Errorf("the pod is being stopped")
	}
	p, err := startProcess(command, c.spec.Stdin, c.spec.TTY, written.stream("stdout"), written.stream("stderr"))
	if err != nil {
		written.close()
		return nil, errNotStarted{err}
	}
	c.process, c.output = p, written
	c.runs()
	return p, nil
}

// file is where something of the present run is kept.
func (c *container) file(kind string) string { return c.fileOf(c.restarts, kind) }

func (c *container) fileOf(run int32, kind string) string {
	return filepath.Join(c.worker.dir(), c.spec.Name, strconv.Itoa(int(run))+"."+kind)
}

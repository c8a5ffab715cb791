package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
)

// drainFor is how long output is still read after an exit, when something that was left behind holds the pipe open.
const drainFor = time.Second

// process is a program the kubelet started, for a container or for an exec. It dies with the kubelet.
type process struct {
	command  *exec.Cmd
	stdin    io.WriteCloser // nil unless asked for
	terminal *os.File       // the kubelet's end, nil without a tty
	copied   chan struct{}
	done     chan struct{} // closed once wait has the exit and all output
}

func startProcess(command *exec.Cmd, stdin, tty bool, out, errOut io.Writer) (*process, error) {
	p := &process{command: command, copied: make(chan struct{}), done: make(chan struct{})}
	if command.SysProcAttr == nil {
		command.SysProcAttr = &syscall.SysProcAttr{}
	}
	command.SysProcAttr.Pdeathsig = syscall.SIGKILL
	command.WaitDelay = drainFor
	if tty {
		return p, p.startOnTerminal(stdin, out)
	}
	close(p.copied)
	command.SysProcAttr.Setpgid = true
	command.Stdout, command.Stderr = out, errOut
	if stdin {
		// Not command.Stdin: waiting for the exit would then wait for the client to hang up, too.
		pipe, err := command.StdinPipe()
		if err != nil {
			return nil, err
		}
		p.stdin = pipe
	}
	return p, command.Start()
}

func (p *process) startOnTerminal(stdin bool, out io.Writer) error {
	ours, theirs, err := openTerminal()
	if err != nil {
		return err
	}
	defer theirs.Close()
	p.command.Stdin, p.command.Stdout, p.command.Stderr = theirs, theirs, theirs
	p.command.SysProcAttr.Setsid, p.command.SysProcAttr.Setctty, p.command.SysProcAttr.Ctty = true, true, 0
	if err := p.command.Start(); err != nil {
		ours.Close()
		return err
	}
	p.terminal = ours
	if stdin {
		p.stdin = ours
	}
	go func() {
		defer close(p.copied)
		if out == nil {
			out = io.Discard
		}
		_, _ = io.Copy(out, ours) // ends with EIO when the last holder of the terminal is gone
	}()
	return nil
}

// wait returns the exit code, 128+N for signal N. It is called once.
func (p *process) wait() int32 {
	defer close(p.done)
	err := p.command.Wait()
	select {
	case <-p.copied:
	case <-time.After(drainFor):
	}
	if p.terminal != nil {
		p.terminal.Close()
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) && p.command.ProcessState == nil {
		return 128
	}
	if status, ok := p.command.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int32(status.Signal())
	}
	return int32(p.command.ProcessState.ExitCode())
}

// kill ends the whole process group.
func (p *process) kill() { _ = syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL) }

// follow keeps the terminal as large as the client's, until the client or the process is gone.
func (p *process) follow(sizes <-chan remotecommand.TerminalSize) {
	if p.terminal == nil || sizes == nil {
		return
	}
	for {
		select {
		case size, more := <-sizes:
			if !more {
				return
			}
			_ = control(p.terminal, func(fd int) error {
				return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: size.Height, Col: size.Width})
			})
		case <-p.done:
			return
		}
	}
}

func openTerminal() (ours, theirs *os.File, err error) {
	ours, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	var number int
	err = control(ours, func(fd int) error {
		if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
			return err
		}
		number, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
		return err
	})
	if err == nil {
		theirs, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		ours.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// control calls do with the file's descriptor and leaves the file to Go's poller, which File.Fd does not.
func control(file *os.File, do func(fd int) error) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = do(int(fd)) }); err != nil {
		return err
	}
	return failed
}

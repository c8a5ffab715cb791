package main

import (
	"bytes"
	"io"
	"os"
	"sync"
	"time"

	criLogs "k8s.io/cri-client/pkg/logs"
)

// longestLine is where a line is cut into parts, as container runtimes do.
const longestLine = 16 << 10

// output is what a container writes: a log in the CRI's format, and a copy for whoever is attached.
type output struct {
	mu       sync.Mutex
	log      *os.File
	streams  []*stream
	attached map[*attachment]bool
}

// stream is one of a container's outputs by its name in the log.
type stream struct {
	output *output
	name   string
	rest   []byte // a line that has not ended yet
}

// attachment is a client that sees what is written from now on.
type attachment struct {
	writers map[string]io.Writer
	gone    chan struct{} // closed when a write to the client fails
}

func newOutput(path string) (*output, error) {
	log, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, err
	}
	return &output{log: log, attached: map[*attachment]bool{}}, nil
}

func (o *output) stream(name string) io.Writer {
	s := &stream{output: o, name: name}
	o.streams = append(o.streams, s)
	return s
}

func (s *stream) Write(text []byte) (int, error) {
	s.output.mu.Lock()
	defer s.output.mu.Unlock()
	s.output.copyToAttached(s.name, text)
	s.rest = append(s.rest, text...)
	for {
		line, rest, whole := bytes.Cut(s.rest, []byte("\n"))
		switch {
		case len(line) > longestLine:
			s.record("P", s.rest[:longestLine])
			s.rest = s.rest[longestLine:]
		case whole:
			s.record("F", line)
			s.rest = rest
		default:
			return len(text), nil
		}
	}
}

// record writes one line; a full disk loses the log and must not stop the container.
func (s *stream) record(tag string, line []byte) {
	entry := append([]byte(time.Now().UTC().Format(criLogs.RFC3339NanoFixed)+" "+s.name+" "+tag+" "), line...)
	_, _ = s.output.log.Write(append(entry, '\n'))
}

func (o *output) copyToAttached(name string, text []byte) {
	for client := range o.attached {
		writer := client.writers[name]
		if writer == nil {
			continue
		}
		if _, err := writer.Write(text); err != nil {
			delete(o.attached, client)
			close(client.gone)
		}
	}
}

func (o *output) attach(out, errOut io.Writer) *attachment {
	client := &attachment{writers: map[string]io.Writer{}, gone: make(chan struct{})}
	if out != nil {
		client.writers["stdout"] = out
	}
	if errOut != nil {
		client.writers["stderr"] = errOut
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.attached[client] = true
	return client
}

func (o *output) detach(client *attachment) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.attached, client)
}

// close writes what has no newline, as a part, so that no reader sees a newline nobody wrote.
func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.streams {
		if len(s.rest) > 0 {
			s.record("P", s.rest)
			s.rest = nil
		}
	}
	o.log.Close()
}

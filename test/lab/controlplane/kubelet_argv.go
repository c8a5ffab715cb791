package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
)

// runtimeCapabilities is what containerd and CRI-O leave to root in a container that asks for nothing.
var runtimeCapabilities = []string{
	"audit_write", "chown", "dac_override", "fowner", "fsetid", "kill", "mknod", "net_bind_service", "net_raw", "setfcap", "setgid", "setpcap", "setuid", "sys_chroot",
}

// argv is the container's command with its program found on the PATH the container sees. Images have no entrypoint here.
func (c *container) argv() ([]string, error) {
	env, err := c.variables()
	if err != nil {
		return nil, err
	}
	var argv []string
	for _, word := range slices.Concat(c.spec.Command, c.spec.Args) {
		argv = append(argv, expansion.Expand(word, expansion.MappingFuncFor(env)))
	}
	if len(c.spec.Command) == 0 {
		return nil, fmt.Errorf("no command specified: the lab has no images, and so no entrypoints")
	}
	program, err := lookPath(argv[0], env["PATH"])
	if err != nil {
		return nil, errNotStarted{err}
	}
	return append([]string{program}, argv[1:]...), nil
}

// confined is argv with the user and the capabilities that the security contexts leave it. A program that needs more fails here as it would on a real node.
func (c *container) confined(argv []string) []string {
	own := c.spec.SecurityContext
	if own == nil {
		own = &v1.SecurityContext{}
	}
	pods := c.worker.pod.Spec.SecurityContext
	if pods == nil {
		pods = &v1.PodSecurityContext{}
	}
	prefix := []string{"setpriv"}
	user, group := firstOf(own.RunAsUser, pods.RunAsUser), firstOf(own.RunAsGroup, pods.RunAsGroup)
	if user != nil || group != nil {
		prefix = append(prefix, "--reuid="+idOf(user), "--regid="+idOf(group), "--clear-groups")
	}
	if own.Privileged == nil || !*own.Privileged {
		set := boundingSet(own.Capabilities)
		prefix = append(prefix, "--bounding-set="+set, "--inh-caps=-all")
	}
	if own.AllowPrivilegeEscalation != nil && !*own.AllowPrivilegeEscalation {
		prefix = append(prefix, "--no-new-privs")
	}
	if len(prefix) == 1 {
		return argv
	}
	return slices.Concat(prefix, []string{"--"}, argv)
}

func boundingSet(asked *v1.Capabilities) string {
	if asked == nil {
		asked = &v1.Capabilities{}
	}
	name := func(c v1.Capability) string { return strings.TrimPrefix(strings.ToLower(string(c)), "cap_") }
	has := func(list []v1.Capability, wanted string) bool {
		return slices.ContainsFunc(list, func(c v1.Capability) bool { return name(c) == wanted })
	}
	if has(asked.Add, "all") {
		return "+all"
	}
	set := []string{"-all"}
	for _, one := range runtimeCapabilities {
		if !has(asked.Drop, "all") && !has(asked.Drop, one) {
			set = append(set, "+"+one)
		}
	}
	for _, added := range asked.Add {
		set = append(set, "+"+name(added))
	}
	return strings.Join(set, ",")
}

func firstOf(ids ...*int64) *int64 {
	for _, id := range ids {
		if id != nil {
			return id
		}
	}
	return nil
}

func idOf(id *int64) string {
	if id == nil {
		return "0"
	}
	return strconv.FormatInt(*id, 10)
}

// lookPath finds a program as execvp would, on a PATH that is not ours.
func lookPath(program, path string) (string, error) {
	if strings.Contains(program, "/") {
		return program, executable(program)
	}
	for _, folder := range filepath.SplitList(path) {
		if file := filepath.Join(folder, program); executable(file) == nil {
			return file, nil
		}
	}
	return "", fmt.Errorf("exec: %q: executable file not found in $PATH", program)
}

func executable(file string) error {
	found, err := os.Stat(file)
	if err != nil {
		return fmt.Errorf("exec: %q: %w", file, err)
	}
	if found.IsDir() || found.Mode()&0o111 == 0 {
		return fmt.Errorf("exec: %q: %w", file, fs.ErrPermission)
	}
	return nil
}

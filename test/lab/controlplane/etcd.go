package main

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"go.etcd.io/etcd/server/v3/embed"
)

// etcd runs one member: etcd [--name N --peer-url URL --initial-cluster N=URL,... --initial-cluster-state new|existing] DATA_DIR CLIENT_URL.
// Without flags it is a cluster of one whose peer port is on the loopback.
func etcd() int {
	flags := flag.NewFlagSet("etcd", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: etcd [FLAG...] DATA_DIR CLIENT_URL[,CLIENT_URL...]")
		flags.PrintDefaults()
	}
	name := flags.String("name", "default", "this member's name")
	peer := flags.String("peer-url", "http://127.0.0.1:2380", "URL the other members reach this one at")
	cluster := flags.String("initial-cluster", "", "NAME=PEER_URL of every member, comma-separated (default: this one alone)")
	state := flags.String("initial-cluster-state", embed.ClusterStateFlagNew, "new, or existing for a member that joins")
	fsync := flags.Bool("fsync", false, "wait for the disk on every write, as a cluster that must survive a power cut does")
	if err := flags.Parse(os.Args[1:]); err != nil {
		return 2
	}
	if flags.NArg() != 2 {
		flags.Usage()
		return 2
	}
	config := embed.NewConfig()
	config.Name, config.Dir = *name, flags.Arg(0)
	config.ClusterState = *state
	config.UnsafeNoFsync = !*fsync
	config.LogLevel = "warn"
	config.AutoCompactionMode, config.AutoCompactionRetention = "periodic", "5m"
	clients, err := parseURLs(flags.Arg(1))
	if err != nil {
		return fail(err)
	}
	peers, err := parseURLs(*peer)
	if err != nil {
		return fail(err)
	}
	config.ListenClientUrls, config.AdvertiseClientUrls = clients, clients
	config.ListenPeerUrls, config.AdvertisePeerUrls = peers, peers
	config.InitialCluster = *cluster
	if *cluster == "" {
		config.InitialCluster = config.InitialClusterFromName(*name)
	}

	server, err := embed.StartEtcd(config)
	if err != nil {
		return fail(err)
	}
	defer server.Close()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	select {
	case <-stop:
		return 0
	case <-server.Server.StopNotify():
		return fail(fmt.Errorf("the member stopped"))
	case err := <-server.Err():
		return fail(err)
	}
}

func parseURLs(list string) ([]url.URL, error) {
	var parsed []url.URL
	for _, text := range splitList(list) {
		u, err := url.Parse(text)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, *u)
	}
	return parsed, nil
}

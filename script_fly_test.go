package main

import (
	"maps"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func checkMachines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: machines APP REGION=N,...")
	}
	want := map[string]int{}
	for part := range strings.SplitSeq(args[1], ",") {
		code, n, _ := strings.Cut(part, "=")
		count, err := strconv.Atoi(n)
		ts.Check(err)
		want[code] = count
	}
	fly, got := ts.Value(worldKey{}).(*scriptWorld).fly, map[string]int{}
	for _, m := range fly.Machines(args[0]) {
		if m.State == "destroyed" {
			continue
		}
		got[m.Region]++
		metadata, _ := m.Config["metadata"].(map[string]any)
		for key := range metadata {
			if strings.HasPrefix(key, "fly_placer_") && key != "fly_placer_applied_at" {
				ts.Fatalf("Machine %s in %s is marked %s", m.ID, m.Region, key)
			}
		}
		if m.State != "started" || m.Cordoned || m.Lease != nil && m.Lease.Expires.After(time.Now()) {
			ts.Fatalf("Machine %s in %s is %s, cordoned %t, lease %+v", m.ID, m.Region, m.State, m.Cordoned, m.Lease)
		}
	}
	if !maps.Equal(got, want) {
		ts.Fatalf("Machines run in %v, want %v", got, want)
	}
}

func checkReads(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: reads")
	}
	requests := ts.Value(worldKey{}).(*scriptWorld).fly.Requests()
	if len(requests) == 0 {
		ts.Fatalf("nothing was asked")
	}
	for _, r := range requests {
		if r.Method != http.MethodGet && r.Path != "/v1/platform/placements" && r.Path != "/graphql" { // which ask, too
			ts.Fatalf("%s %s", r.Method, r.Path)
		}
	}
}

func awaitRequests(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: asked N METHOD REGEXP")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	path := regexp.MustCompile(args[2])
	for range 1000 {
		n := 0
		for _, r := range ts.Value(worldKey{}).(*scriptWorld).fly.Requests() {
			if r.Method == args[1] && path.MatchString(r.Path) {
				n++
			}
		}
		if n >= want {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("fewer than %d of %s %s", want, args[1], args[2])
}

func checkLeases(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: unleased APP")
	}
	for _, m := range ts.Value(worldKey{}).(*scriptWorld).fly.Machines(args[0]) {
		if m.State != "destroyed" && m.Leased(time.Now()) {
			ts.Fatalf("Machine %s in %s is leased by %s until %s", m.ID, m.Region, m.Lease.Owner, m.Lease.Expires)
		}
	}
}

func terminate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: terminate")
	}
	for _, cmd := range ts.BackgroundCmds() {
		ts.Check(cmd.Process.Signal(syscall.SIGTERM))
	}
}

func takeTime(ts *testscript.TestScript, neg bool, args []string) {
	w := ts.Value(worldKey{}).(*scriptWorld)
	switch {
	case neg || len(args) > 1:
		ts.Fatalf("usage: stopwatch [MAX]")
	case len(args) == 0:
		w.began = time.Now()
		return
	}
	most, err := time.ParseDuration(args[0])
	ts.Check(err)
	took := time.Since(w.began)
	ts.Logf("%s", took.Round(time.Millisecond))
	if took > most {
		ts.Fatalf("it took %s, more than %s", took, most)
	}
}

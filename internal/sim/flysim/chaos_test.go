package flysim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

// Each failure fails one request, with its words, and leaves an effect only
// when it says so.
func TestFailures(t *testing.T) {
	names := map[string]bool{}
	for _, f := range flysim.Failures() {
		t.Run(f.Name, func(t *testing.T) {
			if f.Name == "" || names[f.Name] {
				t.Errorf("the name %q does not tell it from others", f.Name)
			}
			names[f.Name] = true
			s := start(t, flysim.Config{})
			id := s.web("ams")
			f.Request = 2
			s.Inject(f)
			s.do(200, "GET", shop+"/"+id, "")
			resp, text, err := s.try("POST", shop, `{"region":"fra","config":{"image":"x"}}`)
			switch {
			case f.Kind == flysim.Reset || f.Kind == flysim.Cut:
				if err == nil {
					t.Errorf("no error, but %s", resp.Status)
				}
			case err != nil:
				t.Error(err)
			case f.Kind == flysim.Answer && (resp.StatusCode != f.Status || text != f.Body || resp.Header.Get("Retry-After") != f.RetryAfter):
				t.Errorf("%s %q", resp.Status, text)
			}
			if made := len(s.Machines("shop")) - 1; made != map[bool]int{true: 1}[f.Done] {
				t.Errorf("%d Machines were made", made)
			}
			s.do(200, "GET", shop+"/"+id, "")
		})
	}
}

// A client that is cut off with a request gets nothing from there on; what the
// request did stays only if it was to be done.
func TestCut(t *testing.T) {
	for _, done := range []bool{false, true} {
		s := start(t, flysim.Config{Clock: flysim.NewClock()})
		id := s.web("ams")
		s.CutAt(3, done)
		waited := make(chan error)
		go func() {
			_, _, err := s.try("GET", shop+"/"+id+"/wait?state=failed", "")
			waited <- err
		}()
		for len(s.Requests()) == 0 {
			time.Sleep(100 * time.Microsecond)
		}
		if s.Cut() {
			t.Error("cut off too early")
		}
		s.do(200, "GET", shop+"/"+id, "")
		for range 3 {
			if _, _, err := s.try("POST", shop+"/"+id+"/cordon", ""); err == nil {
				t.Error("an answer after the cut")
			}
		}
		if err := <-waited; err == nil {
			t.Error("an answer to the one that waited")
		}
		if n := len(s.Requests()); n != 3 || !s.Cut() || s.machine(id).Cordoned != done {
			t.Errorf("done %v: %d requests, cordoned %v", done, n, s.machine(id).Cordoned)
		}
		s.Heal()
		s.do(200, "POST", shop+"/"+id+"/uncordon", "")
		if s.machine(id).Cordoned || s.Cut() {
			t.Error("not healed")
		}
	}
}

func TestOthersActBeforeARequest(t *testing.T) {
	clock := flysim.NewClock()
	s := start(t, flysim.Config{Clock: clock, BootTime: time.Second, CheckTime: time.Second})
	a, b := s.web("ams"), s.web("fra")
	s.At(2, func(s *flysim.Server) { s.Destroy("shop", a) })
	s.At(3, func(s *flysim.Server) { s.AddMachine("shop", flysim.Web{}.Machine("iad")) })
	s.At(4, func(s *flysim.Server) { s.LeaseAll("shop", "ann", 10*time.Second) })
	for i, want := range []int{2, 1, 2} {
		if got := s.list(""); len(got) != want {
			t.Errorf("request %d: %d Machines, want %d", i+1, len(got), want)
		}
	}
	s.do(409, "POST", shop+"/"+b+"/cordon", "")
	if s.Deploy("shop", time.Second) {
		t.Error("deployed over a lease")
	}
	clock.Advance(10 * time.Second)
	s.do(200, "POST", shop+"/"+b+"/cordon", "")
	if ids := s.LeaseAll("shop", "ann", time.Hour); len(ids) != 2 || !s.EndLease("shop", b) {
		t.Errorf("leased %q", ids)
	}
	s.do(200, "POST", shop+"/"+b+"/uncordon", "")
}

func TestADeployChangesEveryMachine(t *testing.T) {
	clock := flysim.NewClock()
	s := start(t, flysim.Config{Clock: clock, BootTime: time.Second, CheckTime: time.Second})
	a, b := s.web("ams"), s.web("fra")
	s.ChangeMachine("shop", b, func(m *flysim.Machine) { m.State = "stopped" })
	look := func(id string) string {
		m := s.do(200, "GET", shop+"/"+id, "")
		config := m["config"].(map[string]any)
		return fmt.Sprint(m["state"], m["version"], config["image"], m["image_ref"].(map[string]any)["digest"], config["metadata"].(map[string]any)["fly_release_version"])
	}
	beforeA, beforeB := look(a), look(b)
	if !s.Deploy("shop", 10*time.Second) {
		t.Fatal("not deployed")
	}
	clock.Advance(5*time.Second - 1)
	if look(a) == beforeA || look(b) != beforeB || !strings.HasPrefix(look(a), "started") {
		t.Errorf("half way: %s, %s", look(a), look(b))
	}
	s.do(409, "POST", shop+"/"+b+"/cordon", "")
	clock.Advance(time.Minute)
	afterA, afterB := look(a), look(b)
	if !strings.HasSuffix(afterA, "2") || !strings.HasPrefix(afterB, "stopped") || strings.TrimPrefix(afterB, "stopped") == strings.TrimPrefix(beforeB, "stopped") {
		t.Errorf("after: %s, %s", afterA, afterB)
	}
	s.do(200, "POST", shop+"/"+b+"/cordon", "")
	if s.Serving("shop", "app")["ams"] != 1 {
		t.Error("it does not serve again")
	}
}

func TestTheLogOfRequests(t *testing.T) {
	clock := flysim.NewClock()
	s := start(t, flysim.Config{Clock: clock})
	id := s.web("ams")
	s.Inject(flysim.Fault{Request: 2, Kind: flysim.Reset})
	s.do(204, "POST", shop+"/"+id+"/metadata/a", `{"value":"b"}`)
	clock.Advance(time.Second)
	_, _, _ = s.try("GET", shop, "")
	got := s.Requests()
	if len(got) != 2 || got[0].Number != 1 || got[0].Status != http.StatusNoContent || string(got[0].Body) != `{"value":"b"}` ||
		got[0].Route != "POST /v1/apps/{app}/machines/{id}/metadata/{key}" || got[1].Status != 0 || !got[1].At.Equal(flysim.Epoch.Add(time.Second)) {
		t.Errorf("got %+v", got)
	}
}

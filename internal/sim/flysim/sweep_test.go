package flysim_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

var errRequest = errors.New("request failed")

// A mover moves the one Machine of an app from ams to fra, and may be killed
// with any request and started anew: the new Machine has a name of its own, and
// the old one goes when the new one serves.
type mover struct {
	s     *site
	clock *flysim.Clock
}

func (m mover) send(ctx context.Context, method, path, body string, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, m.s.url+shop+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", token)
	resp, err := m.s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%w: %s", errRequest, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

func (m mover) move(ctx context.Context) error {
	var machines []struct {
		ID, Name, Region, State string
	}
	if err := m.send(ctx, "GET", "", "", &machines); err != nil {
		return err
	}
	old, fresh := "", ""
	for _, machine := range machines {
		if machine.Region == "ams" {
			old = machine.ID
		} else {
			fresh = machine.ID
		}
	}
	if old == "" {
		return nil
	}
	var done struct{ ID, State string }
	if fresh == "" {
		body := `{"name":"fp-1","region":"fra","config":{"image":"x","metadata":{"fly_process_group":"app"}},"skip_service_registration":true}`
		if err := m.send(ctx, "POST", "", body, &done); err != nil {
			return err
		}
		fresh = done.ID
	}
	for _, step := range []struct{ method, path string }{
		{"GET", "/" + fresh + "/wait"},
		{"POST", "/" + fresh + "/uncordon"},
		{"POST", "/" + old + "/cordon"},
		{"POST", "/" + old + "/stop"},
		{"GET", "/" + old + "/wait?state=settled"},
		{"DELETE", "/" + old + "?force=true"},
		{"GET", "/" + old + "/wait?state=destroyed"},
	} {
		if err := m.send(ctx, step.method, step.path, "", &done); err != nil {
			return err
		}
		if err := m.clock.Sleep(ctx, 10*time.Second); err != nil {
			return err
		}
	}
	return nil
}

// Killed at every request, before and after its effect, and started again, the
// mover ends in the same state, and something serves all the time.
func TestKillSweep(t *testing.T) {
	requests := 1
	for n := 0; n <= requests; n++ {
		for _, done := range []bool{false, true} {
			clock := flysim.NewAutoClock()
			s := slow(t, clock)
			old := s.web("ams")
			m := mover{s, clock}
			s.Watch(func(e flysim.Event) {
				if len(e.Serving("app")) == 0 {
					t.Errorf("cut at %d, done %v: nothing serves after %s %s by request %d", n, done, e.Machine, e.What, e.Request)
				}
			})
			if n > 0 {
				s.CutAt(n, done)
			}
			err := m.move(t.Context())
			if n == 0 && err != nil || n > 0 && err == nil {
				t.Fatalf("cut at %d, done %v: %v", n, done, err)
			}
			if n == 0 {
				requests = len(s.Requests())
			}
			s.Heal()
			for again := 0; m.move(t.Context()) != nil; again++ {
				if again > 3 {
					t.Fatalf("cut at %d, done %v: it does not end", n, done)
				}
			}
			clock.Advance(time.Minute)
			if got := s.Serving("shop", "app"); got["fra"] != 1 || got["ams"] != 0 || len(s.list("")) != 1 || s.machine(old).State != "destroyed" {
				t.Errorf("cut at %d, done %v: %v serve, %q are left", n, done, got, s.list(""))
			}
		}
	}
	if requests < 9 {
		t.Errorf("only %d requests", requests)
	}
}

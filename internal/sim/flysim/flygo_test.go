package flysim_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	fly "github.com/superfly/fly-go"
	"github.com/superfly/fly-go/flaps"
	"github.com/superfly/fly-go/tokens"

	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

// elsewhere sends requests to another host.
type elsewhere struct {
	host string
	next http.RoundTripper
}

func (e elsewhere) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.URL.Scheme, req.URL.Host = "http", e.host
	return e.next.RoundTrip(req)
}

// flyGo returns Fly.io's own client of the site.
func (s *site) flyGo(clock *flysim.Clock) *flaps.Client {
	s.t.Helper()
	u, err := url.Parse(s.url)
	if err != nil {
		s.t.Fatal(err)
	}
	client, err := flaps.NewWithOptions(s.t.Context(), flaps.NewClientOpts{
		UserAgent: "test", Tokens: tokens.Parse(token), Transport: elsewhere{u.Host, clock.Transport(nil)},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return client
}

// TestFlyGoUnderstands takes a Machine from its creation to its end with Fly.io's own
// client: every method finds what it looks for.
func TestFlyGoUnderstands(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	clock := flysim.NewAutoClock()
	s := slow(t, clock)
	s.AddApp(flysim.App{Name: "shop"})
	c := s.flyGo(clock)
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	m, err := c.Launch(ctx, "shop", fly.LaunchMachineInput{
		Name: "fp-1", Region: "fra", LeaseTTL: 30, SkipServiceRegistration: true,
		Config: &fly.MachineConfig{Image: "x", Checks: map[string]fly.MachineCheck{"up": {Type: new("tcp")}}},
	})
	ok(err)
	nonce := m.LeaseNonce
	if nonce == "" || !m.Cordoned || m.State != "creating" {
		t.Fatalf("launched %+v", m)
	}
	ok(c.Wait(ctx, "shop", m.ID, flaps.WithWaitStates("started", "failed"), flaps.WithWaitTimeout(time.Minute)))
	for {
		m, err = c.Get(ctx, "shop", m.ID)
		ok(err)
		if checks := m.AllHealthChecks(); checks.Total == 1 && checks.Passing == 1 {
			break
		}
		ok(clock.Sleep(ctx, time.Second))
	}
	if now := clock.Now().Sub(flysim.Epoch); now != 7*time.Second {
		t.Errorf("healthy after %v", now)
	}
	if err := c.Cordon(ctx, "shop", m.ID, ""); !errors.Is(err, &flaps.FlapsError{ResponseStatusCode: http.StatusConflict}) {
		t.Errorf("without the nonce: %v", err)
	}
	ttl := 30
	lease, err := c.RefreshLease(ctx, "shop", m.ID, &ttl, nonce)
	ok(err)
	if lease.Data.Nonce != nonce || lease.Data.ExpiresAt != flysim.Epoch.Unix()+37 {
		t.Errorf("renewed %+v", lease.Data)
	}
	ok(c.Uncordon(ctx, "shop", m.ID, nonce))
	if got := s.Serving("shop", "app"); got["fra"] != 1 {
		t.Errorf("serving %v", got)
	}
	_, err = c.Launch(ctx, "shop", fly.LaunchMachineInput{Name: "fp-1", Region: "fra", Config: &fly.MachineConfig{Image: "x"}})
	if err == nil || !strings.Contains(err.Error(), "unique machine name violation, machine ID "+m.ID) {
		t.Errorf("a name twice: %v", err)
	}
	ok(c.ReleaseLease(ctx, "shop", m.ID, nonce))
	ok(c.SetMetadata(ctx, "shop", m.ID, "a", "b"))
	metadata, err := c.GetMetadata(ctx, "shop", m.ID)
	ok(err)
	if metadata["a"] != "b" {
		t.Errorf("metadata %v", metadata)
	}
	ok(c.DeleteMetadata(ctx, "shop", m.ID, "a"))
	lease, err = c.AcquireLease(ctx, "shop", m.ID, &ttl)
	ok(err)
	found, err := c.FindLease(ctx, "shop", m.ID)
	ok(err)
	if found.Data.Owner != lease.Data.Owner || lease.Data.Version != m.InstanceID {
		t.Errorf("found %+v", found.Data)
	}
	nonce = lease.Data.Nonce
	updated, err := c.Update(ctx, "shop", fly.LaunchMachineInput{ID: m.ID, Config: &fly.MachineConfig{Image: "y"}}, nonce)
	ok(err)
	ok(c.Wait(ctx, "shop", m.ID, flaps.WithWaitVersion(updated.InstanceID)))
	ok(c.Restart(ctx, "shop", fly.RestartMachineInput{ID: m.ID, Timeout: time.Second}, nonce))
	ok(c.Wait(ctx, "shop", m.ID))
	ok(c.Stop(ctx, "shop", fly.StopMachineInput{ID: m.ID, Signal: "SIGTERM"}, nonce))
	ok(c.Wait(ctx, "shop", m.ID, flaps.WithWaitStates("stopped"), flaps.WithWaitVersion(updated.InstanceID)))
	_, err = c.Start(ctx, "shop", m.ID, nonce)
	ok(err)
	ok(c.Wait(ctx, "shop", m.ID))
	ok(c.Suspend(ctx, "shop", m.ID, nonce))
	ok(c.Wait(ctx, "shop", m.ID, flaps.WithWaitStates("suspended")))
	ok(c.Destroy(ctx, "shop", fly.RemoveMachineInput{ID: m.ID, Kill: true}, nonce))
	ok(c.Wait(ctx, "shop", m.ID, flaps.WithWaitStates("destroyed")))
	if machines, err := c.List(ctx, "shop", ""); err != nil || len(machines) != 0 {
		t.Errorf("%d Machines are left, %v", len(machines), err)
	}
}

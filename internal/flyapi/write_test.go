package flyapi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	fly "github.com/superfly/fly-go"

	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

// launch creates a Machine by fly-go's own method, through all its layers.
func launch(ctx context.Context, c *Client) error {
	_, err := c.flaps.Launch(ctx, "shop", fly.LaunchMachineInput{
		Region: "ams", Config: &fly.MachineConfig{Image: "registry.fly.io/shop:1"},
	})
	return err
}

func TestAWriteIsNeverSentTwice(t *testing.T) {
	tests := []struct {
		name  string
		fault flysim.Fault
		want  string
	}{
		{"502 after it took effect", flysim.Fault{Status: 502, Done: true}, "502 Bad Gateway"},
		{"503 without effect", flysim.Fault{Status: 503}, "503 Service Unavailable"},
		{"503 with the token in it", flysim.Fault{Status: 503, Body: echo}, "503 Service Unavailable"},
		{"500", flysim.Fault{Status: 500}, "500"},
		{"504", flysim.Fault{Status: 504}, "504"},
		{"408", flysim.Fault{Status: 408}, "408"},
		{"409", flysim.Fault{Status: 409}, "409 Conflict: aborted"},
		{"422", flysim.Fault{Status: 422}, "422"},
		{"429", flysim.Fault{Status: 429, RetryAfter: "1"}, "429"},
		{"a reset before", flysim.Fault{Kind: flysim.Reset}, "reset"},
		{"a reset after", flysim.Fault{Kind: flysim.Reset, Done: true}, "reset"},
		{"an answer that breaks off", flysim.Fault{Kind: flysim.Cut, Done: true}, "broke off"},
		{"no answer", flysim.Fault{Kind: flysim.Hang, Done: true}, "no answer in time"},
		{"a redirect that keeps the method", flysim.Fault{Kind: flysim.Redirect, Status: 308, Location: "/v1/apps/shop/machines"}, "redirects"},
		{"JSON that ends early", flysim.Fault{Kind: flysim.Truncated, Done: true}, "decod"},
	}
	for _, test := range tests {
		for _, first := range []bool{true, false} { // on a new connection, and after another write
			t.Run(fmt.Sprintf("%s, first %v", test.name, first), func(t *testing.T) {
				w := newWorld(t, flysim.Config{})
				w.AddApp(flysim.App{Name: "shop"})
				before := 0
				if !first {
					if err := launch(t.Context(), w.client); err != nil {
						t.Fatal(err)
					}
					before = 1
				}
				test.fault.Route = routeCreate
				w.Inject(test.fault)
				ctx := t.Context()
				if test.fault.Kind == flysim.Hang {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, 300*time.Millisecond)
					defer cancel()
				}
				err := launch(ctx, w.client)
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want %q", err, test.want)
				}
				if got := w.count(routeCreate) - before; got != 1 {
					t.Errorf("the server got it %d times", got)
				}
				if made := len(w.Machines("shop")) - before; made > 1 || made == 1 != test.fault.Done {
					t.Errorf("%d Machines were made", made)
				}
				if got := w.slept(); got != nil {
					t.Errorf("waited %v", got)
				}
				leaks(t, fmt.Sprintf("%v\n%+v\n%#v", err, err, err))
				if e := (*Error)(nil); errors.As(err, &e) {
					leaks(t, string(e.Body))
					if e.Status >= 400 && len(e.Body) == 0 {
						t.Error("the body is lost")
					}
				} else if test.fault.Kind != flysim.Truncated {
					t.Errorf("%T is not an *Error", err)
				}
			})
		}
	}
}

// The layers above repeat what is temporary, or a reset: neither may show.
func TestErrorsHideWhatFlyGoWouldRepeat(t *testing.T) {
	w := newWorld(t, flysim.Config{})
	w.AddApp(flysim.App{Name: "shop"})
	w.Inject(flysim.Fault{Kind: flysim.Reset})
	err := launch(t.Context(), w.client)
	var e *Error
	if !errors.As(err, &e) || e.Temporary() || errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%v shows a reset or calls itself temporary", err)
	}
	// Read by fly-go's own method: its two more repeats do not add to ours.
	if _, err := w.client.flaps.GetApp(t.Context(), "shop"); err == nil {
		t.Error("no error")
	}
	if got := w.count(routeApp); got != attempts {
		t.Errorf("%d attempts, want %d", got, attempts)
	}
}

package flyapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	fly "github.com/superfly/fly-go"
	"golang.org/x/sync/errgroup"

	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/secret"
)

// What App reads besides the app and its Machines, as App.Unread names it.
const (
	unreadIPs     = "IP addresses"
	unreadVolumes = "volumes"
	unreadEgress  = "egress IPs"
)

// App reads an app and its Machines, and as far as the token may see them its
// addresses and volumes; what could not be read, or not within 20 s, is named
// in Unread. All requests go out at once. Machines come in order of their IDs,
// without those that are destroyed or about to be.
func (c *Client) App(ctx context.Context, name string) (fleet.App, error) {
	if err := validName(name); err != nil {
		return fleet.App{}, err
	}
	parent := ctx
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	extra, cancelExtra := asOptional(ctx)
	defer cancelExtra()

	var (
		info     appInfo
		machines []wireMachine
		ips      []string
		volumes  map[string]string
		regional map[string][]fly.EgressIPAddress
		own      map[string][]fly.EgressIPAddress

		errInfo, errMachines, errIPs, errVolumes, errRegional, errOwn error
	)
	var group errgroup.Group
	run := func(read func()) { group.Go(func() error { read(); return nil }) }
	run(func() { info, errInfo = c.readAppInfo(ctx, name) })
	run(func() { machines, errMachines = c.readMachines(ctx, name) })
	run(func() { ips, errIPs = c.readIPs(extra, name) })
	run(func() { volumes, errVolumes = c.readVolumes(extra, name) })
	run(func() { regional, errRegional = c.gql.GetAppScopedEgressIPAddresses(asRead(extra), name) })
	run(func() { own, errOwn = c.gql.GetEgressIPAddresses(asRead(extra), name) })
	_ = group.Wait() // the errors are told apart below

	if err := errors.Join(errInfo, differs(errMachines, errInfo)); err != nil {
		return fleet.App{}, err
	}
	if err := parent.Err(); err != nil {
		return fleet.App{}, fmt.Errorf("read app %s: %w", name, err)
	}
	app := fleet.App{
		Name: info.Name, Org: info.Organization.Slug, Role: info.Role, IPs: ips, VolumeOn: volumes,
		EgressMachines: map[string]bool{}, Unread: map[string]string{},
	}
	for i := range machines {
		if machines[i].State != "destroying" {
			app.Machines = append(app.Machines, machines[i].machine())
		}
	}
	for code := range regional {
		app.EgressRegions = append(app.EgressRegions, region.Code(code))
	}
	slices.Sort(app.EgressRegions)
	for id := range own {
		app.EgressMachines[id] = true
	}
	c.unread(app.Unread, unreadIPs, errIPs)
	c.unread(app.Unread, unreadVolumes, errVolumes)
	c.unread(app.Unread, unreadEgress, errRegional, errOwn)
	return app, nil
}

// differs drops an error that only repeats another request's status: a token
// that is refused is refused for every path.
func differs(err, other error) error {
	var a, b *Error
	if errors.As(err, &a) && errors.As(other, &b) && a.Status == b.Status && a.Status != 0 {
		return nil
	}
	return err
}

// unread notes why something could not be read: every reason once.
func (c *Client) unread(notes map[string]string, what string, errs ...error) {
	var reasons []string
	for _, err := range errs {
		if err == nil {
			continue
		}
		if text := secret.Excerpt(reason(err), 160, c.token); !slices.Contains(reasons, text) {
			reasons = append(reasons, text)
		}
	}
	if len(reasons) > 0 {
		notes[what] = strings.Join(reasons, "; ")
	}
}

// reason returns the core of an error: the status and what the API said.
func reason(err error) string {
	var e *Error
	switch {
	case errors.As(err, &e) && e.Status/100 == 2, errors.As(err, &e) && e.Status == 0:
		return e.Text
	case e != nil:
		return fmt.Sprintf("%d %s: %s", e.Status, http.StatusText(e.Status), e.Text)
	}
	// An error in GraphQL's answer, which fly-go wraps together with the query.
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err.Error()
}

// knowsApp refuses GraphQL's answer that an app is null without an error: fly-go
// would read it as one without any addresses.
func knowsApp(body []byte) error {
	var answer struct {
		Data   *struct{ App json.RawMessage } `json:"data"`
		Errors []json.RawMessage              `json:"errors"`
	}
	switch err := json.Unmarshal(body, &answer); {
	case err != nil && isHTML(nil, body):
		return fmt.Errorf("%w: a web page instead of JSON", errAnswer)
	case err != nil:
		return fmt.Errorf("%w: no JSON that can be read", errAnswer)
	case len(answer.Errors) == 0 && (answer.Data == nil || len(answer.Data.App) == 0 || string(answer.Data.App) == "null"):
		return fmt.Errorf("%w: GraphQL says nothing about the app", errAnswer)
	}
	return nil
}

type appInfo struct {
	Name         string `json:"name"`
	Role         string `json:"app_role"`
	Organization struct {
		Slug string `json:"slug"`
	} `json:"organization"`
}

func (c *Client) readAppInfo(ctx context.Context, name string) (appInfo, error) {
	var info appInfo
	if _, err := c.get(ctx, "/apps/"+name, &info); err != nil {
		return appInfo{}, fmt.Errorf("read app %s: %w", name, err)
	}
	if info.Name != name || info.Organization.Slug == "" {
		return appInfo{}, hint.Wrap(fmt.Errorf("read app %s: the answer does not name the app and its organization", name),
			"something else than Fly.io's API answered: check fly-api-url and any proxy")
	}
	return info, nil
}

// maxPages ends a list whose pages do not.
const maxPages = 100

// readMachines lists the Machines that are not destroyed, in order of their IDs.
func (c *Client) readMachines(ctx context.Context, name string) ([]wireMachine, error) {
	query := url.Values{"include_deleted": {"false"}, "include_leases": {"true"}}
	seen := map[string]wireMachine{}
	for range maxPages {
		var page []wireMachine
		header, err := c.get(ctx, "/apps/"+name+"/machines?"+query.Encode(), &page)
		if err != nil {
			return nil, fmt.Errorf("list Machines of app %s: %w", name, err)
		}
		for _, m := range page {
			if m.State != "destroyed" {
				seen[m.ID] = m
			}
		}
		// Only a server that pages is sent a cursor: older ones do not know it.
		next := header.Get("Fly-Next-Cursor")
		if next == "" {
			return slices.SortedFunc(maps.Values(seen), func(a, b wireMachine) int { return strings.Compare(a.ID, b.ID) }), nil
		}
		query.Set("cursor", next)
		query.Set("limit", "1000")
	}
	return nil, fmt.Errorf("list Machines of app %s: more than %d pages", name, maxPages)
}

func (c *Client) readIPs(ctx context.Context, name string) ([]string, error) {
	var answer struct {
		IPs []struct {
			IP string `json:"ip"`
		} `json:"ips"`
	}
	if _, err := c.get(ctx, "/apps/"+name+"/ip_assignments", &answer); err != nil {
		return nil, fmt.Errorf("read IP addresses of app %s: %w", name, err)
	}
	var ips []string
	for _, ip := range answer.IPs {
		ips = append(ips, ip.IP)
	}
	slices.Sort(ips)
	return ips, nil
}

// dyingVolumes are the states of volumes that hold nobody back. From fly-go.
var dyingVolumes = []string{"scheduling_destroy", "fork_cleanup", "waiting_for_detach", "pending_destroy", "destroying"}

func (c *Client) readVolumes(ctx context.Context, name string) (map[string]string, error) {
	var volumes []struct {
		ID      string `json:"id"`
		State   string `json:"state"`
		Machine string `json:"attached_machine_id"`
	}
	if _, err := c.get(ctx, "/apps/"+name+"/volumes", &volumes); err != nil {
		return nil, fmt.Errorf("read volumes of app %s: %w", name, err)
	}
	on := map[string]string{}
	for _, v := range volumes {
		if v.Machine == "" || slices.Contains(dyingVolumes, v.State) {
			continue
		}
		if other, ok := on[v.Machine]; !ok || v.ID < other {
			on[v.Machine] = v.ID
		}
	}
	return on, nil
}

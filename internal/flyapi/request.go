package flyapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"github.com/fly-placer/fly-placer/internal/apply"
)

// A request is one to the Machines API.
type request struct {
	method string
	path   string // without "/v1", with the query
	nonce  string // of the lease under which it is sent; "" = none
	body   any    // sent as JSON; nil = none
}

const (
	// nonceHeader is where a request has the nonce of its lease.
	nonceHeader = "Fly-Machine-Lease-Nonce"
	// leaseDescription tells others who holds a Machine.
	leaseDescription = "fly-placer"
	// longestAwait is what the API waits at most.
	longestAwait = time.Minute
)

type leaseBody struct {
	Description string `json:"description"`
	TTL         int    `json:"ttl"` // seconds
}

type createBody struct {
	Name   string          `json:"name"`
	Region string          `json:"region"`
	Config json.RawMessage `json:"config"`
	// Hidden is "combined Create and Cordon" in the documentation's words.
	Hidden   bool `json:"skip_service_registration"`
	LeaseTTL int  `json:"lease_ttl"` // seconds
}

type valueBody struct {
	Value string `json:"value"`
}

// stopBody leaves out what is not asked for: whether the API takes "0s" for
// what is configured, as fly-go sends it, is not known.
type stopBody struct {
	Signal  string `json:"signal,omitempty"`
	Timeout string `json:"timeout,omitempty"`
}

// requestOf is what Do sends and Describe writes. The lease is asked for in the
// body, as the API's description has it; fly-go does so in the query.
func requestOf(c apply.Call) request {
	machines := "/apps/" + c.App + "/machines"
	machine := machines + "/" + c.Machine
	ttl := int(c.TTL / time.Second)
	r := request{method: http.MethodPost, path: machine + "/" + string(c.Action), nonce: c.Nonce}
	switch c.Action {
	case apply.Lease:
		r.path, r.nonce, r.body = machine+"/lease", "", leaseBody{leaseDescription, ttl}
	case apply.Renew:
		r.path, r.body = machine+"/lease", leaseBody{leaseDescription, ttl}
	case apply.Release:
		r.method, r.path = http.MethodDelete, machine+"/lease"
	case apply.Create:
		r.path, r.nonce, r.body = machines, "", createBody{c.Name, string(c.Region), c.Config, true, ttl}
	case apply.Mark:
		r.path, r.body = machine+"/metadata/"+c.Key, valueBody{c.Value}
	case apply.Unmark:
		r.method, r.path = http.MethodDelete, machine+"/metadata/"+c.Key
	case apply.Stop:
		stop := stopBody{Signal: c.Signal}
		if c.Timeout > 0 {
			stop.Timeout = c.Timeout.String()
		}
		if stop != (stopBody{}) {
			r.body = stop
		}
	case apply.Destroy:
		r.method, r.path = http.MethodDelete, machine+"?force=true"
	case apply.Await:
		query := url.Values{"state": c.States, "timeout": {strconv.Itoa(int(awaitTime(c) / time.Second))}}
		if c.Version != "" {
			query.Set("version", c.Version)
		}
		r.method, r.path, r.nonce = http.MethodGet, machine+"/wait?"+query.Encode(), ""
	case apply.Cordon, apply.Uncordon: // nothing but the path
	}
	return r
}

// awaitTime is how long an Await may last: whole seconds, from 1 to 60.
func awaitTime(c apply.Call) time.Duration {
	up := (c.Timeout + time.Second - 1).Truncate(time.Second)
	return min(max(up, time.Second), longestAwait)
}

// Describe writes the request that Do would send, in one line: method, path
// with query, and compact JSON if it has a body; never the nonce. The body of a
// Create is the Machine's whole configuration, its variables included.
func (c *Client) Describe(call apply.Call) string {
	r := requestOf(call)
	text := r.method + " /v1" + r.path
	if r.body == nil {
		return text
	}
	body, err := json.Marshal(r.body)
	if err != nil { // only a Config that is no JSON, which Do refuses
		return text
	}
	return text + " " + string(body)
}

// metadataKey is what may be in a path as it is.
var metadataKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// validCall returns all that is wrong with a call.
func validCall(c apply.Call) error {
	var bad []error
	require := func(ok bool, format string, args ...any) {
		if !ok {
			bad = append(bad, fmt.Errorf(format, args...))
		}
	}
	require(appName.MatchString(c.App), "%q is not the name of an app", c.App)
	require(c.Action == apply.Create || appName.MatchString(c.Machine), "%q is not the ID of a Machine", c.Machine)
	lease := c.TTL >= time.Second && c.TTL%time.Second == 0
	switch c.Action {
	case apply.Lease:
		require(lease, "lease of %s is not of whole seconds", c.TTL)
	case apply.Renew:
		require(lease, "lease of %s is not of whole seconds", c.TTL)
		require(c.Nonce != "", "the nonce of the lease is missing")
	case apply.Release:
		require(c.Nonce != "", "the nonce of the lease is missing")
	case apply.Create:
		require(lease, "lease of %s is not of whole seconds", c.TTL)
		require(appName.MatchString(c.Name), "%q is not the name of a Machine", c.Name)
		require(c.Region.Valid(), "%q is not the code of a region", c.Region)
		var config map[string]json.RawMessage
		require(json.Unmarshal(c.Config, &config) == nil && config != nil, "the configuration is not a JSON object")
	case apply.Mark, apply.Unmark:
		require(metadataKey.MatchString(c.Key), "%q is not a key of metadata", c.Key)
	case apply.Await:
		require(len(c.States) > 0, "no state to wait for")
	case apply.Stop:
		require(c.Timeout >= 0, "timeout %s is negative", c.Timeout)
	case apply.Uncordon, apply.Cordon, apply.Destroy:
	default:
		require(false, "no such action: %q", c.Action)
	}
	return errors.Join(bad...)
}

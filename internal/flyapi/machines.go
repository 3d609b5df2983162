package flyapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/secret"
)

var _ apply.Machines = (*Client)(nil)

// read names what Get does in its Failure.
const read apply.Action = "read"

// List reads the app's Machines that are not destroyed, in order of their IDs.
// Leases are among it where the API tells them; older versions do not.
func (c *Client) List(ctx context.Context, app string) ([]apply.Machine, error) {
	if err := validName(app); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	rows, err := c.readMachines(ctx, app)
	if err != nil {
		return nil, err
	}
	machines := make([]apply.Machine, len(rows))
	for i := range rows {
		machines[i] = rows[i].whole()
	}
	return machines, nil
}

// Get reads one Machine; one that is destroyed may still be told, in that
// state. Its error is a *apply.Failure.
func (c *Client) Get(ctx context.Context, app, id string) (apply.Machine, error) {
	call := apply.Call{Action: read, App: app, Machine: id}
	var bad error
	if !appName.MatchString(id) {
		bad = fmt.Errorf("%q is not the ID of a Machine", id)
	}
	if err := errors.Join(validName(app), bad); err != nil {
		return apply.Machine{}, &apply.Failure{Kind: apply.Invalid, Call: call, Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r := request{method: http.MethodGet, path: "/apps/" + app + "/machines/" + id + "?include_leases=true"}
	var row wireMachine
	if _, err := c.send(ctx, r, &row); err != nil {
		return apply.Machine{}, failureOf(call, err)
	}
	if row.ID != id {
		return apply.Machine{}, failureOf(call, r.lacks("the answer does not name the Machine"))
	}
	return row.whole(), nil
}

// Do makes a call, once; its error is a *apply.Failure, whose Call has no nonce
// because that is a secret. Of what is gone already, a lease is released, a
// mark deleted and a Machine destroyed. A lease that ran out before it was
// renewed is Changed. The answer to a Create says when its lease ends only if
// Fly.io does; it has no nonce if Fly.io gave none.
func (c *Client) Do(ctx context.Context, call apply.Call) (apply.Answer, error) {
	if err := validCall(call); err != nil {
		err = fmt.Errorf("make request: %w", err)
		return apply.Answer{}, &apply.Failure{Kind: apply.Invalid, Call: withoutNonce(call), Err: err}
	}
	if err := ctx.Err(); err != nil {
		err = fmt.Errorf("send request: %w", err)
		return apply.Answer{}, &apply.Failure{Kind: apply.Unsent, Call: withoutNonce(call), Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	answer, err := c.do(ctx, call)
	if err == nil {
		return answer, nil
	}
	f := failureOf(call, err)
	switch {
	case f.Kind == apply.Gone && (call.Action == apply.Release || call.Action == apply.Unmark || call.Action == apply.Destroy):
		return apply.Answer{}, nil
	case answer.Machine.ID != "":
		f.Kind, f.Effect = apply.WrongPlace, true
	}
	return answer, f
}

// do makes a valid call. A Machine that was created elsewhere is in the answer
// beside the error.
func (c *Client) do(ctx context.Context, call apply.Call) (apply.Answer, error) {
	r := requestOf(call)
	switch call.Action {
	case apply.Await:
		_, err := c.send(asAwait(ctx, awaitTime(call)), r, nil)
		return apply.Answer{}, err
	case apply.Lease, apply.Renew:
		var out struct {
			Data struct {
				Nonce   string   `json:"nonce"`
				Expires wireTime `json:"expires_at"`
			} `json:"data"`
		}
		if _, err := c.send(ctx, r, &out); err != nil {
			return apply.Answer{}, err
		}
		if out.Data.Nonce == "" {
			return apply.Answer{}, r.lacks("the answer has no nonce of a lease")
		}
		return apply.Answer{Nonce: out.Data.Nonce, Expires: out.Data.Expires.Time}, nil
	case apply.Create:
		var row wireMachine
		if _, err := c.send(ctx, r, &row); err != nil {
			return apply.Answer{}, err
		}
		if row.ID == "" {
			return apply.Answer{}, r.lacks("the answer does not name the Machine")
		}
		answer := apply.Answer{Nonce: row.Nonce, Machine: row.whole()}
		if row.Lease != nil {
			answer.Expires = row.Lease.ExpiresAt.Time
		}
		if row.Region != string(call.Region) {
			text := fmt.Sprintf("Machine %s was created in %q instead of %q", row.ID, row.Region, call.Region)
			return answer, hint.Wrap(r.error(secret.Excerpt(text, longestText, c.token)), "nobody wants it there: destroy it")
		}
		return answer, nil
	default:
		_, err := c.send(ctx, r, nil)
		return apply.Answer{}, err
	}
}

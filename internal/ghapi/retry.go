package ghapi

import (
	"context"
	"time"
)

// maxReads bounds how often one read is sent.
const maxReads = 4

// patience is what one call of the client may spend on waiting.
type patience struct {
	c      *Client
	left   time.Duration
	limits int // waits for a rate limit so far, for the backoff
}

func (c *Client) patience() *patience { return &patience{c: c, left: c.budget} }

// wait pauses before the n-th repetition (from 0) of what failed with e. It
// returns false, at once, when repeating cannot help or would outlast the budget.
//
// A rate limit: what GitHub says, else at least a minute, doubled each time and
// cut to the budget, with jitter so that the jobs of a matrix do not return
// together. An unusable answer: 1, 2, 4 s and up to half as much again.
func (p *patience) wait(ctx context.Context, e *Error, n int) bool {
	if ctx.Err() != nil {
		return false
	}
	var d time.Duration
	switch {
	case e.is(ErrRateLimited) && e.Wait > 0:
		d = e.Wait
	case e.is(ErrRateLimited):
		d = time.Duration(float64(time.Minute<<min(p.limits, 4)) * (1 + p.c.jitter()/4))
		if p.left >= time.Minute {
			d = min(d, p.left)
		}
		p.limits++
	case e.is(ErrUnavailable):
		d = time.Duration(float64(time.Second<<min(n, 4)) * (1 + p.c.jitter()/2))
		d = max(d, e.Wait)
	default:
		return false
	}
	if d > p.left {
		return false
	}
	p.left -= d
	return p.c.sleep(ctx, d) == nil
}

// read sends a request that changes nothing until it is answered, refused or
// patience ends.
func (p *patience) read(ctx context.Context, k call, send func(context.Context) error) *Error {
	for n := 0; ; n++ {
		e := p.c.classify(k, send(ctx))
		if e == nil || n+1 >= maxReads || !p.wait(ctx, e, n) {
			return e
		}
	}
}

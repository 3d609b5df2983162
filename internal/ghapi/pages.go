package ghapi

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/go-github/v89/github"
)

// perPage is the most that GitHub puts on a page.
const perPage = 100

// list is what a listing of GitHub is made of.
type list[T any] struct {
	k      call
	page   func(context.Context, github.ListOptions) ([]T, *github.Response, error)
	enough func(all []T) bool // ends the listing early; nil: never
}

// all reads every page, in order, up to maxPages of them.
func (l list[T]) all(ctx context.Context, p *patience) ([]T, *Error) {
	var out []T
	opts := github.ListOptions{Page: 1, PerPage: perPage}
	for range maxPages {
		var items []T
		next := 0
		e := p.read(ctx, l.k, func(ctx context.Context) error {
			page, resp, err := l.page(ctx, opts)
			if err == nil && page == nil { // an empty body, which go-github lets pass, is not an empty list
				err = errEmpty
			}
			if err == nil {
				items, next = page, resp.NextPage
			}
			return err
		})
		if e != nil {
			return nil, e
		}
		out = append(out, items...)
		if next <= opts.Page || l.enough != nil && l.enough(out) { // 0: the last page; what is not further would go round in circles
			return slices.Clip(out), nil
		}
		opts.Page = next
	}
	return nil, &Error{Kind: ErrInvalid, Method: l.k.method, Path: l.k.path, Message: fmt.Sprintf("more than %d pages", maxPages)}
}

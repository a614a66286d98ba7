package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// growth measures reads while the store grows.
func growth(ctx context.Context, dir string, largest int) error {
	p, err := launch(ctx, filepath.Join(dir, "callout"), "CALLOUT_DATA_DIR="+filepath.Join(dir, "growth"))
	if err != nil {
		return err
	}
	defer p.kill()
	fmt.Printf("\nreads while the store grows (one client; configurations with two secrets each)\n")
	fmt.Printf("  %-15s %-34s %s\n", "configurations", "read one", "read a page of 100 in the middle")
	var firstOne, firstPage spread
	for count, made := range sizes(largest) {
		if err := fill(ctx, p.address, made, count); err != nil {
			return err
		}
		one, err := repeat(300, p.address, func(i int) string { return "/api/configs/" + name(i*7919%count) })
		if err != nil {
			return err
		}
		page, err := repeat(60, p.address, func(int) string { return "/api/configs?top=100&after=" + name(count/2) })
		if err != nil {
			return err
		}
		if firstOne.median == 0 {
			firstOne, firstPage = one, page
		}
		fmt.Printf("  %-15d %v %.2f    %v %.2f\n", count, one, one.over(firstOne), page, page.over(firstPage))
	}
	fmt.Println("  The last figure of each is its ratio to the first row.")
	return nil
}

// sizes yields how many configurations there are to be, and how many there are.
func sizes(largest int) func(yield func(count, made int) bool) {
	return func(yield func(int, int) bool) {
		made := 0
		for count := 200; ; count = min(count*10, largest) {
			count = min(count, largest)
			if !yield(count, made) || count == largest {
				return
			}
			made = count
		}
	}
}

func name(i int) string { return fmt.Sprintf("api_%06d", i) }

const body = `{"endpoint":"https://api.example.com/v1/items","method":"POST","description":"Update an item.",
"auth":{"type":"bearer","token":"token-of-the-bench"},"headers":[{"name":"X-Api-Key","value":"key-of-the-bench"}],
"fields":[{"name":"id","type":"string","description":"Which item","required":true},{"name":"note","type":"string"}]}`

func fill(ctx context.Context, address string, from, to int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(32)
	for i := from; i < to; i++ {
		group.Go(func() error {
			req, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+address+"/api/configs/"+name(i), strings.NewReader(body))
			if err != nil {
				return err
			}
			return send(req)
		})
	}
	return group.Wait()
}

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

func send(req *http.Request) error {
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return errors.New("Callout answered " + resp.Status)
	}
	return nil
}

func repeat(times int, address string, path func(int) string) (spread, error) {
	var samples []time.Duration
	for i := range times {
		req, err := http.NewRequest(http.MethodGet, "http://"+address+path(i), nil)
		if err != nil {
			return spread{}, err
		}
		start := time.Now()
		if err := send(req); err != nil {
			return spread{}, err
		}
		samples = append(samples, time.Since(start))
	}
	return spreadOf(samples), nil
}

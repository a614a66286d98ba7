package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// client calls the API of Callout as an operator or an agent would.
type client struct{ base string }

// call sends body as JSON and decodes the answer into result, if not nil.
func (c *client) call(ctx context.Context, method, path string, body, result any) (int, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(data))
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && result != nil && resp.StatusCode < 300 {
		err = json.Unmarshal(answer, result)
	}
	if err == nil && resp.StatusCode >= 400 && resp.StatusCode != http.StatusNotFound {
		err = fmt.Errorf("%s %s was answered %d: %s", method, path, resp.StatusCode, answer)
	}
	return resp.StatusCode, err
}

// await waits until Callout answers.
func (c *client) await(ctx context.Context, ended <-chan error) error {
	deadline := time.After(15 * time.Second)
	for {
		if status, err := c.call(ctx, http.MethodGet, "/health", nil, nil); err == nil && status == http.StatusOK {
			return nil
		}
		select {
		case <-ended:
			return fmt.Errorf("the Callout process ended before it answered; its message is above")
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline:
			return errNotUp
		case <-time.After(20 * time.Millisecond):
		}
	}
}

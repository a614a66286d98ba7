package main

import (
	"io"
	"sync"
)

// syncWriter lets several goroutines write to w, one at a time.
type syncWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write writes p whole before another Write begins.
func (s *syncWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

package vaultserver

import "strings"

// deletedBundle is what is answered about a deleted secret.
type deletedBundle struct {
	bundle
	RecoveryID string `json:"recoveryId"`
}

func (s *Server) delete(c call) (any, *refusal) {
	secret := s.secrets[strings.ToLower(c.name)]
	switch {
	case secret == nil || secret.state == deleted:
		return nil, errNotFound
	case secret.state == deleting:
		return nil, errBeingDeleted
	}
	secret.state = deleted
	if s.holding {
		secret.state = deleting
	}
	return s.deletedBundle(secret), nil
}

func (s *Server) getDeleted(c call) (any, *refusal) {
	secret := s.secrets[strings.ToLower(c.name)]
	if secret == nil || secret.state != deleted {
		return nil, errNotFound
	}
	return s.deletedBundle(secret), nil
}

func (s *Server) recover(c call) (any, *refusal) {
	secret, refused := s.findDeleted(c)
	if refused != nil {
		return nil, refused
	}
	secret.state = live
	return s.bundle(secret, secret.latest(), false), nil
}

func (s *Server) purge(c call) (any, *refusal) {
	_, refused := s.findDeleted(c)
	if refused == nil {
		delete(s.secrets, strings.ToLower(c.name))
	}
	return nil, refused
}

// findDeleted returns a secret that can be recovered or purged.
func (s *Server) findDeleted(c call) (*kept, *refusal) {
	secret := s.secrets[strings.ToLower(c.name)]
	switch {
	case secret == nil || secret.state == live:
		return nil, errNotFound
	case secret.state == deleting:
		return nil, errBeingDeleted
	}
	return secret, nil
}

func (s *Server) deletedBundle(secret *kept) deletedBundle {
	return deletedBundle{s.bundle(secret, secret.latest(), false), s.vault.URL + "/deletedsecrets/" + secret.name}
}

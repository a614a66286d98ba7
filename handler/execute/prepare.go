package execute

import (
	"context"
	"net/http"
	"slices"
	"time"

	"callout/handler/callout"
	"callout/handler/credential"
	"callout/handler/redact"
	"callout/handler/request"
	"callout/handler/secret"
	"callout/handler/token"
)

// prepared is a request that is ready to be sent, and what is needed to talk
// about it without giving a secret away.
type prepared struct {
	id         string          // of the execution
	filled     *callout.Config // with its secrets
	secrets    callout.Bundle
	template   *request.Template
	arguments  request.Arguments
	credential credential.Credential
	tokens     tokens
	token      string          // the id of the one in the credential
	refused    []secret.Secret // with the token that was in it before
	redactor   *redact.Redactor
	shown      *callout.Request
	timeout    time.Duration
	attempts   attempts
	durable    bool // it is on record before it is sent
	watch      *stopwatch
	began      time.Time
}

func (p *prepared) unsafe() bool { return !callout.Safe(p.filled.Method) }

// needsToken reports whether the credential is only complete with a token.
func (p *prepared) needsToken() bool { return p.filled.Auth.Type == callout.AuthOAuth2 }

func (x *Executor) prepare(ctx context.Context, id string, config *callout.Config, template *request.Template, args request.Arguments) (*prepared, error) {
	if config.Auth.Type == callout.AuthOAuth2 {
		x.Tokens.Prepare(ctx) // beside the secrets
	}
	bundle, err := x.Catalog.Secrets(ctx, config)
	if err != nil {
		return nil, err
	}
	p, err := assemble(id, config, bundle, template, args, x.Tokens.Get)
	if err == nil {
		p.began = x.Now()
	}
	return p, err
}

// assemble builds the request as it will be shown. The one that is sent is made
// anew for each attempt, so that no secret waits in memory longer than needed. It
// fails with callout.CredentialMissing when a secret has no value.
func assemble(id string, config *callout.Config, bundle callout.Bundle, template *request.Template, args request.Arguments, tokens tokens) (*prepared, error) {
	p := &prepared{
		id: id, filled: config.WithSecrets(bundle), secrets: bundle, template: template, arguments: args, tokens: tokens,
		timeout: time.Duration(config.TimeoutSeconds) * time.Second,
	}
	if err := checkSecrets(p.filled); err != nil {
		return nil, err
	}
	var err error
	if p.credential, err = credential.New(&p.filled.Auth); err != nil {
		return nil, err
	}
	return p, p.show()
}

// clean masks secrets in what a caller wants to be kept.
func (p *prepared) clean(context map[string]string) map[string]string {
	out := make(map[string]string, len(context))
	for name, value := range context {
		out[p.redactor.String(name)] = p.redactor.String(value)
	}
	return out
}

// show makes the request as it is shown, and what masks the secrets in it and in
// all that comes back.
func (p *prepared) show() error {
	known := slices.Concat(p.secrets.Values(), p.credential.Secrets(), p.refused, p.template.Echoes(p.filled, p.arguments))
	p.redactor = redact.New(known...)
	shown, err := p.build(context.Background(), p.filled.WithoutSecrets())
	if err != nil {
		return err
	}
	p.credential.Mask(shown)
	p.shown = request.Show(shown, p.redactor.String)
	return nil
}

// use puts a token into the credential, and among what is masked. One that it
// replaces stays there: it may be good for something still.
func (p *prepared) use(t token.Token) {
	if p.token != "" {
		p.refused = append(p.refused, p.credential.Secrets()...)
	}
	p.token, p.credential = t.ID, p.credential.WithToken(t.Value)
	_ = p.show() // has been built before
}

// checkSecrets finds the secret that was cleared or never given: what would be
// sent in its place is the mask, or nothing.
func checkSecrets(filled *callout.Config) error {
	if len(filled.Unset()) == 0 {
		return nil
	}
	return &callout.Error{Code: string(callout.CredentialMissing),
		Message: "A secret of this configuration has no value. An operator must give it, or remove the place where it belongs."}
}

// request builds the request with its secrets.
func (p *prepared) request(ctx context.Context) (*http.Request, error) {
	req, err := p.build(ctx, p.filled)
	if err != nil {
		return nil, err
	}
	p.credential.Apply(req)
	return req, nil
}

// build fills in all but the credential.
func (p *prepared) build(ctx context.Context, config *callout.Config) (*http.Request, error) {
	req, err := p.template.Build(ctx, config, p.arguments)
	if err == nil && config.IdempotencyHeader != "" {
		req.Header.Set(config.IdempotencyHeader, p.id)
	}
	return req, err
}

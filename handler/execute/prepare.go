package execute

import (
	"context"
	"net/http"
	"time"

	"callout/handler/callout"
	"callout/handler/credential"
	"callout/handler/redact"
	"callout/handler/request"
)

// prepared is a request that is ready to be sent, and what is needed to talk
// about it without giving a secret away.
type prepared struct {
	filled     *callout.Config // with its secrets
	template   *request.Template
	arguments  request.Arguments
	credential credential.Credential
	redactor   *redact.Redactor
	shown      *callout.Request
	timeout    time.Duration
}

func (p *prepared) unsafe() bool { return !callout.Safe(p.filled.Method) }

func (x *Executor) prepare(ctx context.Context, config *callout.Config, template *request.Template, args request.Arguments) (*prepared, error) {
	bundle, err := x.Catalog.Secrets(ctx, config)
	if err != nil {
		return nil, err
	}
	return assemble(config, bundle, template, args)
}

// assemble builds the request as it will be shown. The one that is sent is made
// anew for each attempt, so that no secret waits in memory longer than needed.
func assemble(config *callout.Config, bundle callout.Bundle, template *request.Template, args request.Arguments) (*prepared, error) {
	p := &prepared{
		filled: config.WithSecrets(bundle), template: template, arguments: args,
		timeout: time.Duration(config.TimeoutSeconds) * time.Second,
	}
	var err error
	if p.credential, err = credential.New(&p.filled.Auth); err != nil {
		return nil, err
	}
	p.redactor = redact.New(append(bundle.Values(), p.credential.Secrets()...)...)
	shown, err := template.Build(context.Background(), config.WithoutSecrets(), args)
	if err != nil {
		return nil, err
	}
	p.credential.Mask(shown)
	p.shown = request.Show(shown, p.redactor.String)
	return p, nil
}

// request builds the request with its secrets.
func (p *prepared) request(ctx context.Context) (*http.Request, error) {
	req, err := p.template.Build(ctx, p.filled, p.arguments)
	if err != nil {
		return nil, err
	}
	p.credential.Apply(req)
	return req, nil
}

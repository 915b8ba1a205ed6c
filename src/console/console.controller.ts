import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Controller, Get, Header, Headers, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { notFound } from '../domain/problem.js';

const folder = new URL('./public/', import.meta.url);

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** The files of the page: a closed list, so that no path of the client's ever reaches the file system. */
const names = [
  'index.html',
  'style.css',
  'icon.svg',
  'main.js',
  'key.js',
  'socket.js',
  'state.js',
  'format.js',
  'panels/chart.js',
  'panels/detail.js',
  'panels/portfolios.js',
  'panels/targets.js',
];

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

interface Asset {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string;
}

/** Serves the console: one static page that lives on `/ws/stream`. */
@Controller()
export class ConsoleController {
  private readonly assets = new Map<string, Asset>(
    names.map((name) => {
      const body = readFileSync(new URL(name, folder));
      const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
      return [
        name,
        { body, type: types[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream', etag },
      ];
    }),
  );

  @Get()
  @Header('Content-Security-Policy', policy)
  page(@Headers('if-none-match') known: string | undefined, @Res() reply: FastifyReply): void {
    this.send('index.html', known, reply);
  }

  @Get('console/:name')
  file(
    @Param('name') name: string,
    @Headers('if-none-match') known: string | undefined,
    @Res() reply: FastifyReply,
  ): void {
    this.send(name, known, reply);
  }

  @Get('console/panels/:name')
  panel(
    @Param('name') name: string,
    @Headers('if-none-match') known: string | undefined,
    @Res() reply: FastifyReply,
  ): void {
    this.send(`panels/${name}`, known, reply);
  }

  private send(name: string, known: string | undefined, reply: FastifyReply): void {
    const asset = this.assets.get(name);
    if (!asset) throw notFound('console file', name);
    void reply
      .header('ETag', asset.etag)
      .header('Cache-Control', 'no-cache')
      .header('X-Content-Type-Options', 'nosniff')
      .type(asset.type)
      .status(known === asset.etag ? 304 : 200)
      .send(known === asset.etag ? undefined : asset.body);
  }
}

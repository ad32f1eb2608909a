import { test } from '@playwright/test';
import { freePort } from '../support/process';
import { startProxy, type Handling } from '../support/proxy';
import { Server } from '../support/server';
import { expect, expectLive, signIn } from '../support/test';

const HANDLINGS: Handling[] = ['keeps the path', 'strips the path'];

for (const handling of HANDLINGS) {
  test(`the dashboard works below a path, behind a proxy that ${handling}`, async ({ page }, info) => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/mft`;
    const server = await Server.start(info.outputPath('server.log'), undefined, ['--public-url', url]);
    const proxy = await startProxy(port, '/mft', new URL(server.url), handling);
    try {
      const elsewhere: string[] = [];
      page.on('request', (request) => {
        if (request.url().startsWith('http') && !request.url().startsWith(`${url}/`)) elsewhere.push(request.url());
      });

      await page.goto(`${url}/transfers?status=failed`);
      await signIn(page);
      await expect(page).toHaveURL(`${url}/transfers?status=failed`);
      await expectLive(page);

      await page.getByRole('link', { name: 'Agents' }).click();
      await expect(page.getByRole('heading', { level: 1, name: 'Agents' })).toBeVisible();
      await expect(page).toHaveURL(`${url}/agents`);
      const links = await page.locator('a[href]').evaluateAll((all) => all.map((link) => link.getAttribute('href')!));
      expect(links.filter((link) => link.startsWith('/') && !link.startsWith('/mft/'))).toEqual([]);

      // The cookie is sent to where the browser sees the API.
      await page.reload();
      await expect(page.getByRole('heading', { level: 1, name: 'Agents' })).toBeVisible();
      await expectLive(page);

      await page.getByRole('link', { name: 'go to the overview' }).click();
      await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();

      // The editor asks before unsaved text is left, and then goes where the link led.
      await page.goto(`${url}/pipelines/new`);
      await page.getByRole('textbox', { name: 'Definition' }).fill('source: /a\ndestination: /b/\n');
      await page.getByRole('link', { name: 'Jobs' }).click();
      await page.getByRole('button', { name: 'Leave' }).click();
      await expect(page).toHaveURL(`${url}/jobs`);
      await expect(page.getByRole('heading', { level: 1, name: 'Jobs' })).toBeVisible();

      await page.goto(`${url}/api/docs`);
      await expect(page.getByRole('heading', { name: /MFTPlus/ })).toBeVisible();
      expect(elsewhere).toEqual([]);
    } finally {
      proxy.closeAllConnections();
      proxy.close();
      await server.stop();
    }
  });
}

// Every page of the dashboard, as one gets to see it.
import type { Page } from '@playwright/test';
import type { Seeded } from './fleet';
import { expect } from './test';

/** A page: what it is called in a file name, its address, and the heading by which it is complete. */
export type View = { name: string; address: string; heading: string; isPublic?: boolean };

/** All pages of a seeded fleet. */
export function views(seeded: Seeded): View[] {
  const { customer, agent, transfer, job, failedRun, openRun, pipeline, failedPipelineRun, openPipelineRun } = seeded;
  return [
    { name: 'sign-in', address: '/sign-in', heading: 'Sign in to MFTPlus', isPublic: true },
    { name: 'overview', address: '/', heading: 'Overview' },
    { name: 'transfers', address: '/transfers', heading: 'Transfers' },
    { name: 'transfer', address: `/transfers/${transfer}`, heading: 'warehouse-full-backup.dump' },
    { name: 'jobs', address: '/jobs', heading: 'Jobs' },
    { name: 'job', address: `/jobs/${job}`, heading: 'Hourly orders' },
    { name: 'job-new', address: '/jobs/new', heading: 'New job' },
    { name: 'job-edit', address: `/jobs/${job}/edit`, heading: 'Edit Hourly orders' },
    { name: 'run', address: `/jobs/${job}/runs/${openRun}`, heading: 'Run of Hourly orders' },
    { name: 'run-failed', address: `/jobs/${job}/runs/${failedRun}`, heading: 'Run of Hourly orders' },
    { name: 'pipelines', address: '/pipelines', heading: 'Pipelines' },
    { name: 'pipeline', address: `/pipelines/${pipeline}`, heading: 'Nightly orders' },
    { name: 'pipeline-new', address: '/pipelines/new', heading: 'New pipeline' },
    { name: 'pipeline-edit', address: `/pipelines/${pipeline}/edit`, heading: 'Edit Nightly orders' },
    { name: 'pipeline-versions', address: `/pipelines/${pipeline}/versions`, heading: 'Versions of Nightly orders' },
    {
      name: 'pipeline-run',
      address: `/pipelines/${pipeline}/runs/${openPipelineRun}`,
      heading: 'Run of Nightly orders',
    },
    {
      name: 'pipeline-run-failed',
      address: `/pipelines/${pipeline}/runs/${failedPipelineRun}`,
      heading: 'Run of Nightly orders',
    },
    { name: 'agents', address: '/agents', heading: 'Agents' },
    { name: 'agent-new', address: '/agents/new', heading: 'Add an agent' },
    { name: 'agent', address: `/agents/${agent}`, heading: 'edge-berlin' },
    { name: 'activity', address: '/activity', heading: 'Activity' },
    { name: 'customers', address: '/customers', heading: 'Customers' },
    { name: 'customer', address: `/customers/${customer}`, heading: 'Acme Logistics' },
    { name: 'users', address: '/users', heading: 'Users' },
    { name: 'not-found', address: '/nowhere', heading: 'Page not found' },
  ];
}

/** Opens a page and waits until everything on it has been loaded. */
export async function show(page: Page, view: View): Promise<void> {
  await page.goto(view.address);
  await expect(page.getByRole('heading', { level: 1, name: view.heading })).toBeVisible();
  if (!view.isPublic) await expect(page.getByRole('status', { name: 'Connection' })).toHaveText('Live');
  await expect(page.locator('.skeleton, .skeleton-row')).toHaveCount(0);
}

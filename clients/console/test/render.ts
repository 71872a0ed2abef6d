// Renders a component to HTML, in Node: no browser is needed to see what it makes of its properties.

import { type Component, createSSRApp, type FunctionalComponent, h } from 'vue'
import { createMemoryHistory, createRouter, type RouteLocationRaw, RouterLink } from 'vue-router'
import { renderToString } from 'vue/server-renderer'

const nothing: Component = { render: () => null }

const button: FunctionalComponent<{ to?: RouteLocationRaw; disabled?: boolean }> = ({ to, disabled }, { slots }) =>
  to === undefined || disabled ? h('button', slots['default']?.()) : h(RouterLink, { to }, () => slots['default']?.())
button.props = ['to', 'disabled']

const checkbox: FunctionalComponent<{ modelValue: boolean | string }> = ({ modelValue }) => h('input', { type: 'checkbox', 'data-is': String(modelValue) })
checkbox.props = ['modelValue']

/** Gives the HTML of a component, as it is at an address. Nuxt UI's parts are plain elements in it. */
export async function render(component: object, props: Record<string, unknown>, address = '/'): Promise<string> {
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/:path(.*)*', component: nothing }] })
  await router.push(address)
  const app = createSSRApp({ render: () => h(component as Component, props) }).use(router)
  return renderToString(app.component('UIcon', nothing).component('UButton', button).component('UCheckbox', checkbox))
}

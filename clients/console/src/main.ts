import ui from '@nuxt/ui/vue-plugin'
import { PiniaColada } from '@pinia/colada'
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import './main.css'
import { router } from './router'

createApp(App)
  .use(createPinia())
  .use(PiniaColada, { queryOptions: { staleTime: 5_000, gcTime: 300_000 } })
  .use(router)
  .use(ui)
  .mount('#app')

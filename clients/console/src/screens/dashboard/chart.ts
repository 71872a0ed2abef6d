// What the dashboard takes of Chart.js, and no more. Import it by import(), so that this screen alone loads it.

import {
  ArcElement,
  CategoryScale,
  Chart,
  DoughnutController,
  Filler,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
} from 'chart.js'

Chart.register(ArcElement, CategoryScale, DoughnutController, Filler, LinearScale, LineController, LineElement, PointElement, Tooltip)
Chart.defaults.font.family = getComputedStyle(document.body).fontFamily

export { Chart }

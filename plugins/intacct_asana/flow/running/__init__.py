"""How a flow's runs behave: what they may cost, when they rest, who hears of them."""

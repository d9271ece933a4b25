/// The least value of a function of a few numbers, near a start, by the simplex method of Nelder and Mead (1965), which
/// asks for no derivative.
struct Minimum {
    private(set) var point: [Double]
    private(set) var value: Double

    init(near start: [Double], step: Double = 0.1, rounds: Int = 400, of function: ([Double]) -> Double) {
        func corner(_ point: [Double]) -> (point: [Double], value: Double) { (point, function(point)) }
        var simplex =
            [corner(start)]
            + start.indices.map { axis in
                var point = start
                point[axis] += step
                return corner(point)
            }
        for _ in 0..<rounds {
            simplex.sort { $0.value < $1.value }
            let worst = simplex.removeLast()
            guard worst.value - simplex[0].value > 1e-13 else { break }
            /// The point `factor` of the way from the worst corner through the others' centre.
            func beyond(_ factor: Double) -> (point: [Double], value: Double) {
                corner(
                    start.indices.map { axis in
                        let centre = simplex.reduce(0) { $0 + $1.point[axis] } / Double(simplex.count)
                        return worst.point[axis] + factor * (centre - worst.point[axis])
                    })
            }
            let reflected = beyond(2)
            if reflected.value < simplex[0].value {
                let expanded = beyond(3)
                simplex.append(expanded.value < reflected.value ? expanded : reflected)
            } else if reflected.value < simplex.last!.value {
                simplex.append(reflected)
            } else {
                let contracted = reflected.value < worst.value ? beyond(1.5) : beyond(0.5)
                if contracted.value < min(worst.value, reflected.value) {
                    simplex.append(contracted)
                } else {
                    let best = simplex[0]
                    simplex = [best] + (simplex.dropFirst() + [worst]).map { other in
                        corner(zip(best.point, other.point).map { ($0 + $1) / 2 })
                    }
                }
            }
        }
        let best = simplex.min { $0.value < $1.value }!
        (point, value) = (best.point, best.value)
    }
}

import PrismTensor

/// Weights with what an optimiser keeps beside them.
package struct Parameter {
    package let value, gradient, moment1, moment2: Tensor

    init(_ shape: Int...) {
        value = Tensor(shape: shape)
        gradient = Tensor(shape: shape)
        moment1 = Tensor(shape: shape)
        moment2 = Tensor(shape: shape)
    }

    /// One Adam step on some rows.
    func step(_ rows: Range<Int>, gradientScale: Float, _ adam: AdamStep, _ backend: any Backend) {
        let first = rows.lowerBound
        backend.adam(
            value[first], gradient: gradient[first], gradientScale: gradientScale, moment1: moment1[first],
            moment2: moment2[first], count: rows.count * value.rowWidth, adam)
    }
}

import CPrismKernels
import PrismCore
import PrismTensor

/// Draws samples from a distribution; the same sequence for equal seed and stream.
final class FeatureSampler {
    private let distribution: FeatureDistribution
    private let kernels = CPUBackend().kernels
    private var generator: SeededGenerator
    /// [4][8]: eight generators side by side.
    private var lanes: [UInt32]
    /// What `toy_draw` compares a 31-bit number with, and how it becomes a value; zeros behind the last feature.
    private let threshold: [Int32]
    private let scale, offset: [Float]

    init(_ distribution: FeatureDistribution, seed: UInt64, stream: String) {
        self.distribution = distribution
        var generator = SeededGenerator(seed: seed, stream: stream)
        lanes = (0..<32).map { _ in UInt32(truncatingIfNeeded: generator.next()) }
        self.generator = generator
        let padded = ToyLayout.padded(distribution.count)
        var (threshold, scale) = ([Int32](repeating: 0, count: padded), [Float](repeating: 0, count: padded))
        var offset = scale
        for feature in 0..<distribution.count {
            let limit = min(0x1p31 - 1, (Double(distribution.density(of: feature)) * 0x1p31).rounded())
            threshold[feature] = Int32(limit)
            scale[feature] = Float(Double(distribution.greatest - distribution.least) / max(1, limit))
            offset[feature] = distribution.least
        }
        (self.threshold, self.scale, self.offset) = (threshold, scale, offset)
    }

    /// Fills x [rows, stride]; what is behind the last feature stays as it is. Returns how many values are not zero.
    @discardableResult
    func fill(_ x: UnsafeMutablePointer<Float>, rows: Int, stride: Int) -> Int {
        guard case .independent = distribution.dependence else {
            var count = 0
            for row in 0..<rows { count += fill(row: x + row * stride) }
            return count
        }
        return Int(
            kernels.toy_draw(
                &lanes, Int64(rows), Int64(distribution.count), Int64(stride), threshold, scale, offset, x))
    }

    /// The same of independent features, a row for each: x [features, samples], samples a multiple of eight.
    func fill(narrow x: UnsafeMutablePointer<Float>, samples: Int) {
        kernels.narrow_draw(
            &lanes, Int64(distribution.count), Int64(samples), threshold, scale, offset, x)
    }

    private func fill(row: UnsafeMutablePointer<Float>) -> Int {
        let n = distribution.count
        var isActive = [Bool](repeating: false, count: n)
        switch distribution.dependence {
        case .independent: break
        case .correlated(let size, let strength):
            for group in stride(from: 0, to: n, by: size) {
                let common = generator.uniform()
                for feature in group..<group + size {
                    let draw = strength == 1 || generator.uniform() < strength ? common : generator.uniform()
                    isActive[feature] = draw < distribution.density(of: feature)
                }
            }
        case .anticorrelated(let size):
            for group in stride(from: 0, to: n, by: size) where generator.uniform() < distribution.density(of: group) {
                isActive[group + Int(generator.uniform() * Float(size))] = true
            }
        case .hierarchical(let parents):
            for feature in 0..<n where parents[feature] < 0 || isActive[parents[feature]] {
                isActive[feature] = generator.uniform() < distribution.density(of: feature)
            }
        }
        for feature in 0..<n {
            row[feature] =
                isActive[feature]
                ? distribution.least + (distribution.greatest - distribution.least) * generator.uniform() : 0
        }
        return isActive.count { $0 }
    }
}

extension FeatureDistribution {
    /// `count` samples, [count, features]. - stream: names the use, as everywhere.
    public func samples(_ count: Int, seed: UInt64, stream: String) -> Tensor {
        let padded = ToyLayout.padded(self.count)
        let wide = Tensor(count, padded)
        FeatureSampler(self, seed: seed, stream: stream).fill(wide.data, rows: count, stride: padded)
        let result = Tensor(count, self.count)
        for row in 0..<count { result[row].update(from: wide[row], count: self.count) }
        return result
    }
}

import PrismCore
import PrismTensor

extension DictionaryTrainer {
    /// Sets dead latents to vectors of the last batch that are badly reconstructed (Bricken et al. 2023): drawn with a
    /// probability proportional to the square of their squared error, decoder row along x′, encoder row along x′ with a
    /// fifth of the living ones' mean norm, bias and moments zero.
    func resample(_ dead: [Int]) {
        let (width, outputWidth) = (wiring.inputWidth, wiring.outputWidth)
        var generator = SeededGenerator(seed: configuration.seed, stream: "resample \(step)")
        var reach = 0.0
        let reaches = (0..<configuration.batch).map { t in
            let square = Double(backend.dot(errors.last![t], errors.last![t], count: outputWidth))
            reach += square * square
            return reach
        }
        guard reach > 0, reach.isFinite else { return }
        let isDead = Set(dead)
        let living = (0..<configuration.latents).filter { !isDead.contains($0) }
        let meanNorm = living.reduce(0.0) { $0 + Double(norm(encoder.value[$1], width)) } / Double(max(1, living.count))
        for latent in dead {
            let drawn = Double(generator.uniform()) * reach
            let t = reaches.firstIndex { $0 > drawn } ?? configuration.batch - 1
            encoder.value[latent].update(from: centred[t], count: width)
            scale(encoder.value[latent], width, to: meanNorm > 0 ? Float(0.2 * meanNorm) : 0.2)
            decoder.value[latent].update(from: target[t], count: outputWidth)
            scale(decoder.value[latent], outputWidth, to: configuration.keepsUnitNorm ? 1 : 0.1)
            encoderBias.value.data[latent] = 0
            for parameter in [encoder, encoderBias, decoder] {
                for moment in [parameter.moment1, parameter.moment2] {
                    moment[latent].update(repeating: 0, count: moment.rowWidth)
                }
            }
            silence.data[latent] = 0
        }
        refreshLayout()
    }
}
